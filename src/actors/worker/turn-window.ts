// What the guards of clock, randomness and I/O see of the turn that may be running in this thread.
import type { Random } from './random.ts';

export interface TurnWindow {
  /** Epoch ms of the turn that runs now; undefined outside turns. */
  now(): number | undefined;
  /** The turn's own randomness; undefined outside turns. */
  random(): Random | undefined;
  /** Throws IMPURE_TURN inside a turn. */
  forbid(what: string): void;
}
