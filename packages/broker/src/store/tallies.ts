/** Adds up what a transaction does to an entity's counts, to be written once a transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { StoredState, Tally } from './store.ts';

export class Tallies {
  readonly #changes = new Map<number, Tally>();
  readonly #write: (entity: number, change: Tally) => void;

  constructor(db: DatabaseSync) {
    const update = db.prepare(
      'UPDATE tally SET active = active + ?, deferred = deferred + ?, scheduled = scheduled + ?, bytes = bytes + ?, scheduled_bytes = scheduled_bytes + ?, states = states + ? WHERE entity = ?',
    );
    this.#write = (entity, { active, deferred, scheduled, bytes, scheduledBytes, stateBytes }) =>
      void update.run(active, deferred, scheduled, bytes, scheduledBytes, stateBytes, entity);
  }

  /** `count` messages more, or fewer. */
  add(entity: number, state: StoredState, count: 1 | -1, size: number): void {
    const change = this.#changeOf(entity);
    if (state === 0) change.active += count;
    else if (state === 1) change.deferred += count;
    else change.scheduled += count;
    if (state === 2) change.scheduledBytes += count * size;
    else change.bytes += count * size;
  }

  addStates(entity: number, bytes: number): void {
    if (bytes !== 0) this.#changeOf(entity).stateBytes += bytes;
  }

  #changeOf(entity: number): Tally {
    let change = this.#changes.get(entity);
    if (!change) {
      change = { active: 0, deferred: 0, scheduled: 0, bytes: 0, scheduledBytes: 0, stateBytes: 0 };
      this.#changes.set(entity, change);
    }
    return change;
  }

  /** The last thing in a transaction. */
  write(): void {
    for (const [entity, change] of this.#changes) this.#write(entity, change);
    this.#changes.clear();
  }

  /** The transaction has failed. */
  forget(): void {
    this.#changes.clear();
  }
}
