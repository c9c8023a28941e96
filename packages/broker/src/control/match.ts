// Which operations a fault strikes, how often it has, and who waits for it to.
import type { Duplex } from 'node:stream';
import { BrokerError } from '../errors.ts';
import type {
  DeliveryTrigger,
  Fault,
  FaultOperation,
  FaultPoint,
  FaultTrigger,
  LockTarget,
} from './fault.ts';

/** When everything that was said to a peer has left this process. */
export async function flushed(stream: Duplex): Promise<void> {
  // What was said in this turn is written at the end of it.
  do await new Promise((resolve) => setImmediate(resolve));
  while (!stream.destroyed && stream.writableLength > 0);
}

/** A connection, as tests see it. */
export interface Client {
  /** The container id of its open frame. */
  readonly container: string | undefined;
  /** Ends it as a broken network does. */
  cut(): void;
  /** Resolves when everything said so far has left. */
  flushed(): Promise<void>;
}

/** One operation of a client, as faults see it. */
export interface Act {
  readonly operation: FaultOperation | 'deliver';
  readonly entity: string;
  readonly session?: string | undefined;
  readonly messageId?: string | undefined;
  /** The lock it is about. */
  readonly lock?: Omit<LockTarget, 'entity'> | undefined;
  readonly client: Client;
}

/** A fault with its account. */
export interface Armed {
  readonly id: string;
  readonly fault: Fault;
  /** Operations that fitted and were let through. */
  passed: number;
  triggered: number;
  /** It acted at once, and that was all. */
  readonly now: boolean;
}

export function pointOf(fault: Fault): FaultPoint | undefined {
  if (fault.kind === 'duplicate') return undefined;
  return fault.at ?? (fault.kind === 'stop' ? 'committed' : 'arrived');
}

export function isSpent({ fault, triggered, now }: Armed): boolean {
  const times = fault.on?.times ?? 1;
  return now || (times !== 'always' && triggered >= times);
}

/** Counts those that pass. */
export function fits(armed: Armed, act: Act): boolean {
  const { fault } = armed;
  if (isSpent(armed) || !concerns(fault.on ?? {}, act)) return false;
  if (armed.passed >= (fault.on?.skip ?? 0)) return true;
  armed.passed += 1;
  return false;
}

function concerns(on: FaultTrigger & DeliveryTrigger, act: Act): boolean {
  const { operation, entity, session, container, messageId } = on;
  return (
    (operation === undefined || operation === act.operation) &&
    (entity === undefined || entity.toLowerCase() === act.entity.toLowerCase()) &&
    (session === undefined || session === act.session) &&
    (container === undefined || container === act.client.container) &&
    (messageId === undefined || messageId === act.messageId)
  );
}

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
