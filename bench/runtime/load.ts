// The bench's side of the process that makes the load.
import { fileURLToPath } from 'node:url';
import { startProcess, type WorkerProcess } from './worker-process.ts';

/** Of operations that were answered. */
export interface Taken {
  readonly perSecond: number;
  /** In ms. */
  readonly p50: number;
  readonly p99: number;
}

export type LoadJobs = {
  ready: () => Promise<null>;
  /** New actors; resolves to the epoch ms of the first call once all are started. */
  start: (prefix: string, count: number) => Promise<number>;
  startNamed: (ids: readonly string[]) => Promise<null>;
  startMany: (prefix: string, from: number, count: number) => Promise<null>;
  /** Messages with one output each, evenly over the time. */
  traffic: (prefix: string, actors: number, perSecond: number, seconds: number) => Promise<null>;
  /** Messages with one output each, round robin. */
  work: (prefix: string, actors: number, count: number) => Promise<null>;
  /** Each ball is played so often between two actors of its own. */
  bounce: (prefix: string, balls: number, times: number) => Promise<null>;
  rawWork: (sessions: number, count: number) => Promise<null>;
  rawBounce: (balls: number, times: number) => Promise<null>;
  rawStart: (prefix: string, count: number) => Promise<number>;
  /** Each waits for its actor's output. */
  steps: (actors: number, count: number, width: number) => Promise<Taken>;
  sagas: (prefix: string, count: number, width: number) => Promise<Taken>;
  scatters: (prefix: string, items: number, count: number, width: number) => Promise<Taken>;
};

export type Load = WorkerProcess<LoadJobs>;

const ENTRY = fileURLToPath(new URL('./load-entry.ts', import.meta.url));

export async function startLoad(data: string): Promise<Load> {
  const load = startProcess<LoadJobs>(ENTRY, [data]);
  await load.ask('ready');
  return load;
}
