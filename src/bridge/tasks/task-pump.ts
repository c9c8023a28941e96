// Messages of one plain queue as tasks, a fixed number at once, each settled as its handler says.
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { Disposition, Logger, Pump, TaskPumpOptions } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { fromReceivedMessage } from '../codec.ts';
import type { ConnectionPool } from '../connection/connection-pool.ts';
import { isAlreadySettled, isIdleEnd, isLockLost, sdkError } from '../connection/sdk-errors.ts';
import { outside } from '../connection/sockets.ts';
import { settleWith } from '../disposition.ts';
import type { Load } from '../load/load.ts';
import type { BrokerClock, TimeSource } from '../time/clocks.ts';
import { createBackoff, pause } from '../time/waiting.ts';
import { type TaskLock, TaskLocks } from './task-locks.ts';
import { TaskReceiver } from './task-receiver.ts';

// A counting semaphore: first come, first served.

export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Undefined when there is one now, so that the usual case waits for nothing. */
  take(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  free(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

interface TaskPumpContext {
  readonly path: string;
  readonly deadLetters: boolean;
  readonly pool: ConnectionPool;
  readonly lockDurationMs: number;
  readonly time: TimeSource;
  readonly clock: BrokerClock;
  /** Says how many tasks are to run at once now. */
  readonly load?: Load | undefined;
  readonly logger: Logger;
}

const SETTLE_PAUSE_MS = 250;
/**
 * Of a limited agent so many messages come at once that are not known to fit, when it has had nothing to do: each is a chain of
 * credit and message, and one alone would be as slow as the way there and back.
 */
const CHAINS = 4;
/** A message that is there comes within this time. */
const CREDIT_MS = 500;

export class TaskPump implements Pump {
  readonly #options: TaskPumpOptions;
  readonly #context: TaskPumpContext;
  readonly #locks: TaskLocks;
  readonly #slots: Slots;
  readonly #tasks = new Set<Promise<void>>();
  readonly #backoff = createBackoff();
  #receiver: TaskReceiver;
  readonly #unwatch: (() => void) | undefined;
  /** Credit that is not given back yet: each stands for a message that is not to come now. */
  readonly #withheld: (() => void)[] = [];
  #change = Promise.withResolvers<void>();
  /** When credit was given for which no message has come yet. */
  #given: number[] = [];
  /** Messages in hand that have not passed. */
  #ahead = 0;
  #reconnecting: NodeJS.Timeout | undefined;
  #troubled = false;
  #stopping: Promise<void> | undefined;

  constructor(options: TaskPumpOptions, context: TaskPumpContext) {
    this.#options = options;
    this.#context = context;
    this.#slots = new Slots(options.concurrency);
    this.#locks = new TaskLocks({
      lockDurationMs: context.lockDurationMs,
      time: context.time,
      load: context.load,
      renew: (raw) => this.#receiver.renewLock(raw),
    });
    this.#unwatch = context.load?.onChange(() => this.#admit());
    this.#receiver = this.#connect();
  }

  get active(): number {
    return this.#tasks.size;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#reconnecting);
    this.#unwatch?.();
    for (const resolve of this.#withheld.splice(0)) resolve();
    this.#changed();
    // What the broker sent before it saw the end of our credit is run, not given back: a lock that is left to itself
    // raises the delivery count.
    await this.#receiver.drain();
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    this.#locks.stop();
    await this.#receiver.close();
  }

  #connect(): TaskReceiver {
    return new TaskReceiver({
      path: this.#context.path,
      deadLetters: this.#context.deadLetters,
      concurrency:
        this.#options.ready === undefined
          ? this.#options.concurrency
          : Math.min(CHAINS, this.#options.concurrency),
      link: this.#context.pool.acquire(),
      onMessage: (raw, from) => this.#receive(raw, from),
      onError: (error) => this.#report(error),
      onLost: () => this.#reconnect(),
    });
  }

  /** Not at once: what accepts a connection and drops it would be asked in a tight loop. */
  #reconnect(): void {
    if (this.#stopping !== undefined) return;
    this.#reconnecting = setTimeout(() => {
      this.#receiver = this.#connect();
      // A new receiver has full credit: nothing is withheld from it yet.
      for (const resolve of this.#withheld.splice(0)) resolve();
      this.#changed();
    }, this.#backoff.next());
  }

  async #receive(raw: ServiceBusReceivedMessage, from: TaskReceiver): Promise<void> {
    this.#healthy();
    const passed = this.#arrive();
    const task = this.#run(raw, from, passed).finally(() => {
      this.#tasks.delete(task);
      passed();
    });
    this.#tasks.add(task);
    const { ready } = this.#options;
    if (ready !== undefined) return this.#untilReady(from, ready);
    await task;
    await this.#credit(from);
  }

  /** The task runs on while the next one is waited for. */
  async #untilReady(from: TaskReceiver, ready: NonNullable<TaskPumpOptions['ready']>): Promise<void> {
    while (this.#stopping === undefined && from === this.#receiver) {
      const over = new AbortController();
      const changed = this.#change.promise;
      try {
        const coming = this.#coming();
        const isFull = this.#tasks.size + coming >= this.#allowed();
        const wait = isFull ? Promise.race(this.#tasks) : ready(this.#ahead + coming, over.signal);
        if (wait === undefined) {
          this.#given.push(performance.now());
          return;
        }
        const lapse = coming === 0 ? [] : [pause(CREDIT_MS, over.signal)];
        await Promise.race([wait, changed, ...lapse]);
      } finally {
        over.abort();
      }
    }
  }

  /** Messages for which there is credit, and that may be on their way; none where the queue is empty. */
  #coming(): number {
    const since = performance.now() - CREDIT_MS;
    this.#given = this.#given.filter((at) => at > since);
    return this.#given.length;
  }

  /** What a limited agent's next message waits for has to be looked at anew. */
  #changed(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  /** The receiver gives the next message when this ends: later, while fewer are to be in hand than were asked for. */
  #credit(from: TaskReceiver): Promise<void> | undefined {
    if (from !== this.#receiver || this.#withheld.length >= this.#surplus()) return undefined;
    return new Promise((resolve) => this.#withheld.push(resolve));
  }

  #admit(): void {
    this.#changed();
    while (this.#withheld.length > this.#surplus()) this.#withheld.pop()?.();
  }

  #surplus(): number {
    return this.#stopping === undefined ? this.#options.concurrency - this.#allowed() : 0;
  }

  #allowed(): number {
    const { concurrency } = this.#options;
    return this.#context.load?.tasks(concurrency) ?? concurrency;
  }

  #arrive(): () => void {
    let isAhead = true;
    this.#given.shift();
    this.#ahead += 1;
    return () => {
      if (!isAhead) return;
      isAhead = false;
      this.#ahead -= 1;
      this.#changed();
    };
  }

  async #run(raw: ServiceBusReceivedMessage, from: TaskReceiver, passed: () => void): Promise<void> {
    const lock = this.#locks.add(raw);
    const message = this.#arrived(raw);
    // Waits only after a connection was lost: its tasks still run when the new one brings others.
    await this.#slots.take();
    // The lock was lost while the task waited: another host may have begun it.
    if (!lock.isHeld()) {
      this.#slots.free();
      return from.forget(raw);
    }
    try {
      const disposition = await outside(() => this.#options.onMessage(message, lock.lost, passed));
      await this.#settle(raw, from, disposition, lock);
      lock.release();
    } catch (thrown) {
      const { entity } = this.#options;
      const { messageId, sequenceNumber } = message;
      const fields = { entity, messageId, sequenceNumber, error: String(thrown) };
      this.#context.logger.error('task handler failed', fields);
      lock.leave(() => from.forget(raw));
    } finally {
      this.#slots.free();
    }
  }

  /** Its lock was granted as it was handed out: that is when, by the broker's clock. */
  #arrived(raw: ServiceBusReceivedMessage): InboundMessage {
    const { clock, lockDurationMs } = this.#context;
    const message = fromReceivedMessage(raw);
    if (raw.lockedUntilUtc === undefined) return message;
    const deliveredAt = raw.lockedUntilUtc.getTime() - lockDurationMs;
    clock.granted(deliveredAt);
    clock.reached(message.enqueuedAt);
    return { ...message, deliveredAt };
  }

  async #settle(
    raw: ServiceBusReceivedMessage,
    from: TaskReceiver,
    disposition: Disposition,
    lock: TaskLock,
  ): Promise<void> {
    while (!lock.lost.aborted) {
      // Where it came from, or by its lock token on the connection that followed: the SDK does so on a client that
      // never knew the link, while on the same client it waits on the dead link for its time-out.
      const by = from.lost ? this.#receiver : from;
      const reply = await by.request((receiver) => settleWith(receiver, raw, disposition));
      if (reply.kind === 'done' || (reply.kind === 'failed' && isAlreadySettled(reply.error))) return;
      if (reply.kind === 'failed') {
        const { code, message: why } = sdkError(reply.error);
        const { entity } = this.#options;
        this.#context.logger.warn('task not settled', { entity, messageId: raw.messageId, code, why });
        if (isLockLost(reply.error)) return;
      }
      if (this.#stopping !== undefined && this.#receiver.lost) return;
      await pause(SETTLE_PAUSE_MS, lock.lost);
    }
  }

  /** The SDK continues by itself; said once until a message comes again. */
  #report(error: unknown): void {
    if (this.#stopping !== undefined || this.#troubled || isIdleEnd(error)) return;
    this.#troubled = true;
    const { code, message: why } = sdkError(error);
    this.#context.logger.warn('receiving tasks failed', { entity: this.#options.entity, code, why });
  }

  #healthy(): void {
    this.#backoff.reset();
    if (!this.#troubled) return;
    this.#troubled = false;
    this.#context.logger.info('receiving tasks again', { entity: this.#options.entity });
  }
}
