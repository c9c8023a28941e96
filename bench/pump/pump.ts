// The bench's side of the process that pumps sessions.
import { fileURLToPath } from 'node:url';
import { startProcess, type WorkerProcess } from '../runtime/worker-process.ts';

export interface Memory {
  readonly rss: number;
  /** After a full collection. */
  readonly heap: number;
}

export type PumpJobs = {
  ready: () => Promise<null>;
  /** So many sessions, each accepted, read, committed to, settled and released once. Resolves to seconds. */
  cycles: (from: number, count: number) => Promise<number>;
  /** Holds so many at once. Resolves to seconds, and keeps them. */
  hold: (count: number) => Promise<number>;
  /** The pump of `hold` stops. Resolves to seconds. */
  letGo: () => Promise<number>;
  /** Epoch ms when every session of `hold` is held again and has committed. */
  heldAgain: () => Promise<number>;
  memory: () => Promise<Memory>;
};

export type PumpProcess = WorkerProcess<PumpJobs>;

const ENTRY = fileURLToPath(new URL('./pump-entry.ts', import.meta.url));

export async function startPump(connectionString: string): Promise<PumpProcess> {
  const pump = startProcess<PumpJobs>(ENTRY, [connectionString], ['--expose-gc']);
  await pump.ask('ready');
  return pump;
}
