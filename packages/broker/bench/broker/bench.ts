// The broker by itself, over its wire, with the client in another process and everything on disk.

import type { Bench, Measurement } from '../../../../bench/kit/measurement.ts';
import { say } from '../../../../bench/kit/progress.ts';
import { temporaryFolder } from '../../../../bench/kit/temporary-folder.ts';
import { backlog } from './backlog.ts';
import { startClient } from './client-process.ts';
import { durability } from './durability.ts';
import { idleSessions } from './idle-sessions.ts';
import { throughput } from './throughput.ts';

const LIMIT_MS = 900_000;

export const broker: Bench = {
  name: 'broker',
  about: [
    '`quorate broker` (dist) on disk and a raw rhea server without a store, the same client against both, medians of 5;',
    '1 KB bodies; 50 sends, 8 batches of 100, 100 calls of the handler or 16 sessions at a time',
  ].join(' '),
  notMeasured: 'TLS; topics; a network between client and broker; a disk that others keep busy',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  say(await durability(folder.path));
  await using client = startClient(LIMIT_MS);
  return [
    ...(await throughput(folder.path, client)),
    ...(await idleSessions(folder.path, client)),
    ...(await backlog(folder.path, client)),
  ];
}
