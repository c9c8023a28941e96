// The bench's side of the raw loop.
import { fileURLToPath } from 'node:url';
import { startProcess, type WorkerProcess } from './worker-process.ts';

export type RawJobs = {
  ready: () => Promise<null>;
  applied: () => Promise<number>;
  untilApplied: (count: number) => Promise<number>;
};

export type Raw = WorkerProcess<RawJobs>;

const ENTRY = fileURLToPath(new URL('./raw-entry.ts', import.meta.url));

export async function startRaw(data: string, sessions: number): Promise<Raw> {
  const raw = startProcess<RawJobs>(ENTRY, [data, String(sessions)]);
  await raw.ask('ready');
  return raw;
}
