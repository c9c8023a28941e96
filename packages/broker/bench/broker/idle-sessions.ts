// What a session costs in memory that has a state and nobody in it.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Measurement, measurement } from '../../../../bench/kit/measurement.ts';
import { progressOf } from '../../../../bench/kit/progress.ts';
import type { ClientProcess } from './client-process.ts';
import { type ServerProcess, startBroker } from './server-process.ts';

const SESSIONS = 100_000;
const TARGET_MB = 200;
const MB = 1024 ** 2;
const LOOK_EVERY_MS = 1_000;
const LOOKS = 15;
/** Settled: this many looks in a row that differ by less than 1 %. */
const QUIET_LOOKS = 3;
const QUIET_SHARE = 0.01;

export async function idleSessions(folder: string, client: ClientProcess): Promise<readonly Measurement[]> {
  await using broker = await startBroker(join(folder, 'idle'));
  await client.run('holdStates', broker.connectionString, SESSIONS, progressOf('idle sessions', SESSIONS));
  const bytes = await settled(broker);
  const values = bytes === undefined ? [] : [bytes / MB];
  return [measurement('broker.idle-sessions.memory', 'MB', values, TARGET_MB)];
}

async function settled(server: ServerProcess): Promise<number | undefined> {
  let last = server.residentBytes();
  let quiet = 0;
  for (let look = 0; look < LOOKS && quiet < QUIET_LOOKS; look++) {
    await sleep(LOOK_EVERY_MS);
    const now = server.residentBytes();
    if (now === undefined || last === undefined) return undefined;
    quiet = Math.abs(now - last) < QUIET_SHARE * last ? quiet + 1 : 0;
    last = now;
  }
  return last;
}
