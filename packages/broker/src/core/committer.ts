// Durable operations: those that come while one commit is on its way share the next (group commit); each is answered
// after its own is on disk.
import { type ServiceError, serviceErrors } from '../errors.ts';
import { type Store, StoreFullError } from '../store/store.ts';
import type { Ack } from './outcome.ts';
import { COMMITTED, HANDING_OUT, Pulse, WAITING } from './pulse.ts';

/**
 * One durable operation. Memory changes only in `applied`, so that a refused operation has nothing to undo;
 * `write` may run twice and touches the store only.
 */
export interface Change {
  /** Absent for a read that must see the writes before it. */
  readonly write?: (store: Store) => void;
  applied(): void;
  refused(error: ServiceError): void;
  /** It gives space back, so a full store must still take it. */
  readonly frees?: boolean;
}

/** What hands messages to receivers; run once after a commit however many operations touched it. */
export interface Pump {
  pump(): void;
}

/**
 * As long as each turn of the event loop brings more to commit, it is waited for so long: the turns take microseconds,
 * because nothing sleeps while a commit is due, and a commit costs the same for one operation and for many.
 */
const GATHER_MS = 1;

/**
 * Group commit: everything asked for in a few turns of the event loop is written in one transaction, and nobody is
 * answered before it is on disk.
 */
export class Committer {
  readonly #store: Store;
  readonly #failed: (error: unknown) => void;
  readonly #now: () => number;
  readonly #pulse: Pulse;
  #pending: Change[] = [];
  #gathered: Change[] | undefined;
  #scheduled = false;
  #stopped = false;
  readonly #touched = new Set<Pump>();
  #flushing = false;
  commits = 0;
  operations = 0;

  constructor(
    store: Store,
    failed: (error: unknown) => void,
    now: () => number = () => performance.now(),
    pulse = new Pulse(),
  ) {
    this.#pulse = pulse;
    this.#store = store;
    this.#failed = failed;
    this.#now = now;
  }

  /** Gives the changes that are asked for meanwhile, instead of committing them. */
  gather(work: () => void): Change[] {
    const gathered: Change[] = [];
    const outer = this.#gathered;
    this.#gathered = gathered;
    try {
      work();
    } finally {
      this.#gathered = outer;
    }
    return gathered;
  }

  add(change: Change): void {
    if (this.#stopped) return;
    if (this.#gathered) {
      this.#gathered.push(change);
      return;
    }
    this.#pending.push(change);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#waitFor(0, this.#now() + GATHER_MS);
  }

  #waitFor(seen: number, until: number): void {
    setImmediate(() => {
      const { length } = this.#pending;
      if (length > seen && this.#now() < until) this.#waitFor(length, until);
      else this.flush();
    });
  }

  /** Nothing waits to be written or answered. */
  get idle(): boolean {
    return this.#pending.length === 0 && !this.#flushing;
  }

  /** Disk is ahead of memory. */
  get flushing(): boolean {
    return this.#flushing;
  }

  /** Hands out messages now, or once at the end of the running commit. */
  touch(pump: Pump): void {
    if (this.#flushing) this.#touched.add(pump);
    else pump.pump();
  }

  /** Commits what waits and takes no more. */
  stop(): void {
    this.flush();
    this.#stopped = true;
  }

  /** Takes no more, and leaves what waits unwritten. */
  abandon(): void {
    this.#stopped = true;
    this.#pending = [];
  }

  /** Commits what waits, and what follows from it. */
  drain(): void {
    while (this.#pending.length > 0 && !this.#stopped) this.flush();
  }

  flush(): void {
    this.#scheduled = false;
    const batch = this.#pending;
    if (batch.length === 0 || this.#stopped) return;
    this.#pending = [];
    this.#flushing = true;
    try {
      this.#commit(batch);
    } catch (error) {
      // An unreadable or unwritable file: what was not acknowledged is not promised, so stop instead of guessing.
      this.#stopped = true;
      this.#failed(error);
    } finally {
      this.#flushing = false;
    }
    this.#pulse.at(HANDING_OUT);
    for (const pump of this.#touched) {
      this.#touched.delete(pump);
      pump.pump();
    }
    this.#pulse.at(WAITING);
  }

  #commit(batch: Change[]): void {
    this.operations += batch.length;
    try {
      if (batch.some((change) => change.write)) {
        this.commits += 1;
        this.#pulse.onDisk(() =>
          this.#store.transaction(() => {
            for (const change of batch) change.write?.(this.#store);
          }),
        );
      }
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error;
      for (const change of batch) this.#commitAlone(change);
      return;
    }
    this.#pulse.at(COMMITTED);
    for (const change of batch) change.applied();
  }

  /** On a full store each operation stands for itself: those that fit succeed, those that free space always do. */
  #commitAlone(change: Change): void {
    const attempt = () =>
      this.#pulse.onDisk(() => this.#store.transaction(() => change.write?.(this.#store)));
    try {
      if (change.frees) this.#store.withReserve(attempt);
      else attempt();
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error;
      change.refused(serviceErrors.quotaExceeded(`${error.message}; no more can be stored.`));
      return;
    }
    change.applied();
  }
}

// Several operations as one: all of them in one transaction of the store, or none.

/** Something that is done by a commit, and says then whether it was. */
export type Operation = (ack: Ack) => void;

export function atomically(committer: Committer, operations: readonly Operation[], done: Ack): void {
  let left = operations.length;
  let failed: ServiceError | undefined;
  const answered: Ack = (error) => {
    failed ??= error;
    left -= 1;
    if (left === 0) done(failed);
  };
  if (left === 0) return done();
  const changes = committer.gather(() => {
    for (const operation of operations) operation(answered);
  });
  // One was refused before anything was written: the others have not happened either.
  if (failed) for (const change of changes) change.refused(failed);
  else committer.add(joined(changes));
}

function joined(changes: readonly Change[]): Change {
  return {
    frees: changes.every(({ frees }) => frees),
    write(store) {
      for (const change of changes) change.write?.(store);
    },
    applied() {
      for (const change of changes) change.applied();
    },
    refused(error) {
      for (const change of changes) change.refused(error);
    },
  };
}
