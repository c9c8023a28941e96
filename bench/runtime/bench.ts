// The runtime on a broker of its own process: rates beside a raw loop, latency, memory, and other engines in the same run.
import { join } from 'node:path';
import { startBroker } from '../../packages/broker/bench/broker/server-process.ts';
import type { Bench, Measurement } from '../kit/measurement.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { declareEntities } from './entities.ts';
import { startHost } from './host.ts';
import { startLoad } from './load.ts';
import { compare } from './peers/compare.ts';
import { quorate } from './peers/quorate.ts';
import { restate } from './peers/restate/restate.ts';
import { startRaw } from './raw.ts';
import { latency } from './rows/latency.ts';
import { memory } from './rows/memory.ts';
import { rates } from './rows/rates.ts';

/** Every actor of the rates can be held at once. */
const SESSIONS = 128;

export const runtime: Bench = {
  name: 'runtime',
  about: [
    'one host, `quorate broker` on disk and a client in a process each (dist), medians of 5;',
    'beside it the raw loop of receive, set state, publish, complete with the SDK on the same broker, and Restate from npm',
  ].join(' '),
  notMeasured: 'a network between them; several hosts; agents that take time',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  return [
    ...(await ratesOf(join(folder.path, 'rates'))),
    ...(await latency()),
    ...(await compare(folder.path, quorate, [restate])),
    ...(await memory(folder.path)),
  ];
}

async function ratesOf(data: string): Promise<readonly Measurement[]> {
  await using _broker = await startBroker(data);
  await using host = await startHost(data, { sessions: SESSIONS });
  await declareEntities(data);
  await using load = await startLoad(data);
  await using raw = await startRaw(data, SESSIONS);
  // Awaited here: the processes end with this function.
  return await rates({ host, raw, load });
}
