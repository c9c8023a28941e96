// What every engine under comparison can be asked to do, ours among them. A further one is a folder beside these.
import type { Taken } from '../load.ts';

export const KEYS = 100;

export interface Peer {
  readonly name: string;
  /** `folder` is gone after the bench. */
  readonly start: (folder: string) => Promise<RunningPeer>;
}

export interface RunningPeer extends AsyncDisposable {
  /** One durable step each, on one of KEYS keys, answered. */
  readonly steps: (count: number, width: number) => Promise<Taken>;
  /** Five tasks one after the other, each done by a worker. */
  readonly sagas: (count: number, width: number) => Promise<Taken>;
  /** `items` tasks at once, each done by a worker, and all their answers. */
  readonly scatters: (items: number, count: number, width: number) => Promise<Taken>;
}
