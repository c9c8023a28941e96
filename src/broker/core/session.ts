import type { Consumer, Lock } from './lock.ts';
import { ReadyList } from './ready.ts';

/** One receiver's hold of one session: it covers every message of the session, present and future. */
export interface Hold {
  readonly session: Session;
  readonly consumer: Consumer;
  until: number;
  readonly locks: Map<string, Lock>;
}

/** A session in memory: only while it has messages or somebody holds it; a state alone stays on disk. */
export class Session {
  readonly id: string;
  readonly ready = new ReadyList();
  hold: Hold | undefined;
  /** It stands in the line of sessions to be accepted. */
  queued = false;
  /** Messages of it in any state. */
  messages = 0;

  constructor(id: string) {
    this.id = id;
  }
}
