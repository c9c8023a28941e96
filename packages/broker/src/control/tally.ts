/** How often each fault has struck, and who waits for it to. */
import { BrokerError } from '../errors.ts';
import { type Armed, isSpent } from './match.ts';

interface Waiter {
  readonly armed: Armed;
  readonly count: number;
  resolve(): void;
  reject(error: Error): void;
}

export class Tally {
  readonly #faults = new Map<string, Armed>();
  #waiters: Waiter[] = [];

  add(armed: Armed): void {
    this.#faults.set(armed.id, armed);
  }

  has(id: string): boolean {
    return this.#faults.has(id);
  }

  all(): Armed[] {
    return [...this.#faults.values()];
  }

  get anyArmed(): boolean {
    return this.all().some((armed) => !isSpent(armed));
  }

  count(armed: Armed, by: number): void {
    armed.triggered += by;
    this.#settle((waiter) => waiter.armed === armed && armed.triggered >= waiter.count, 'resolve');
  }

  /** A wait for one of them would never end. */
  remove(ids: readonly string[]): void {
    for (const id of ids) this.#faults.delete(id);
    this.#settle(({ armed }) => !this.#faults.has(armed.id), 'reject');
  }

  async struck(id: string, count: number): Promise<void> {
    const armed = this.#faults.get(id);
    if (!armed) throw new BrokerError('BROKER_FAULT_INVALID', `There is no fault '${id}'.`, { id });
    if (armed.triggered >= count) return;
    await new Promise<void>((resolve, reject) => this.#waiters.push({ armed, count, resolve, reject }));
  }

  #settle(which: (waiter: Waiter) => boolean, how: 'resolve' | 'reject'): void {
    const over = this.#waiters.filter(which);
    this.#waiters = this.#waiters.filter((waiter) => !over.includes(waiter));
    for (const waiter of over) {
      if (how === 'resolve') waiter.resolve();
      else waiter.reject(cleared(waiter.armed.id));
    }
  }
}

function cleared(id: string): BrokerError {
  return new BrokerError('BROKER_FAULT_INVALID', `The fault '${id}' was taken back before it struck.`, {
    id,
  });
}
