// The bench's side of the raw loop.
import { fileURLToPath } from 'node:url';
import { readBrokerRecord } from 'quorate/broker';
import { RAW_QUEUE } from './entities.ts';
import { startProcess, type WorkerProcess } from './worker-process.ts';

export type RawJobs = {
  ready: () => Promise<null>;
  applied: () => Promise<number>;
  untilApplied: (count: number) => Promise<number>;
};

export type Raw = WorkerProcess<RawJobs>;

const ENTRY = fileURLToPath(new URL('./raw-entry.ts', import.meta.url));

const FLOOR = fileURLToPath(new URL('./floor-entry.js', import.meta.url));

/** The bare SDK, for its memory: `balls` of `rawBounce` are played between two sessions each. */
export async function startFloor(data: string, sessions: number): Promise<Raw> {
  const floor = startProcess<RawJobs>(FLOOR, [
    readBrokerRecord(data)?.connectionString ?? '',
    RAW_QUEUE,
    String(sessions),
  ]);
  await floor.ask('ready');
  return floor;
}

export async function startRaw(data: string, sessions: number): Promise<Raw> {
  const raw = startProcess<RawJobs>(ENTRY, [data, String(sessions)]);
  await raw.ask('ready');
  return raw;
}
