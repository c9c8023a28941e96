// Queues longer than memory holds of them, against a model: whatever is sent, received, given back, expires and restarts.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Alarms, type Clock } from '../../../src/clock.ts';
import { Envelope } from '../../../src/codec/envelope.ts';
import { Core } from '../../../src/core/core.ts';
import { MOST_IN_MEMORY } from '../../../src/core/delivery.ts';
import { limitsOf } from '../../../src/core/limits.ts';
import { Namespace } from '../../../src/core/namespace.ts';
import type { Outcome } from '../../../src/core/outcome.ts';
import type { Consumer, Hold, Lock, StoredMessage } from '../../../src/core/records.ts';
import { recover } from '../../../src/core/recovery.ts';
import { openStore } from '../../../src/store/sqlite.ts';
import { encodedMessage } from '../../kit/broker-message.ts';

class ManualClock implements Clock {
  time = 1_000_000;
  readonly #timers = new Set<{ at: number; fn: () => void }>();
  now = () => this.time;

  setTimer(at: number, fn: () => void): () => void {
    const timer = { at, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Whether one was due. */
  ring(): boolean {
    const due = [...this.#timers].find(({ at }) => at <= this.time);
    if (due) this.#timers.delete(due);
    due?.fn();
    return due !== undefined;
  }
}

interface Sent {
  readonly number: number;
  readonly session: string;
  readonly expiresAt: number;
}

class Receiver implements Consumer {
  readonly name = 'receiver';
  readonly live = true;
  readonly receiveAndDelete = false;
  credit = 0;
  hold: Hold | undefined;
  readonly locks = new Map<number, Lock>();
  readonly #told: (number: number) => void;

  constructor(told: (number: number) => void) {
    this.#told = told;
  }

  capacity = () => this.credit;

  deliver(_: StoredMessage, bytes: Buffer, lock: Lock | undefined): void {
    const number = Number(/m(\d+)\./.exec(bytes.toString('latin1'))?.[1]);
    this.credit -= 1;
    this.#told(number);
    if (lock) this.locks.set(number, lock);
  }

  reserve(): void {}
  unreserve(): void {}

  lost(): void {
    throw new Error('no lock runs out in this test');
  }
}

const NEVER = Number.POSITIVE_INFINITY;

/** A queue without sessions is one whose messages all belong to the same one, which everybody holds. */
class Run {
  readonly #sessions: boolean;
  readonly #store = openStore({ folder: undefined, maxPages: undefined });
  readonly #clock = new ManualClock();
  #core!: Core;
  #namespace!: Namespace;
  /** What can be received, by number, in order. */
  readonly available = new Map<number, Sent>();
  readonly held = new Map<number, Sent>();
  readonly deferred = new Map<number, Sent>();
  receivers: Receiver[] = [];
  #last = 0;
  #givenBack = 0;

  constructor(sessions: boolean) {
    this.#sessions = sessions;
    this.#start();
    this.#namespace.declare({
      queues: [{ name: 'q', requiresSession: sessions, maxDeliveryCount: 1000, lockDuration: 'PT5M' }],
      topics: [],
    });
  }

  /** What could be delivered now. */
  #live(session?: string): Sent[] {
    return [...this.available.values()].filter(
      (each) => each.expiresAt > this.#clock.time && (session === undefined || each.session === session),
    );
  }

  get #entity() {
    const entity = this.#namespace.queues.get('q');
    if (!entity) throw new Error('there is no queue');
    return entity;
  }

  #start(): void {
    const alarms = new Alarms(this.#clock);
    this.#core = new Core(this.#store, alarms, limitsOf(), (error) => {
      throw error;
    });
    this.#namespace = new Namespace(this.#core);
    recover(this.#core, this.#namespace);
  }

  /** Everything that follows from what was done, and from the time. */
  settle(): void {
    do this.#core.committer.drain();
    while (this.#clock.ring());
    for (const [number, { expiresAt }] of this.available) {
      if (expiresAt <= this.#clock.time) this.available.delete(number);
    }
  }

  send(sessions: readonly string[], ttlMs: number): void {
    const messages = sessions.map((session) => {
      const number = ++this.#last;
      const expiresAt = ttlMs > 0 ? this.#clock.time + ttlMs : NEVER;
      this.available.set(number, { number, session, expiresAt });
      return new Envelope(
        encodedMessage(`m${number}.`, this.#sessions ? session : undefined, ttlMs || undefined),
      );
    });
    this.#entity.intake.send(messages, (error) => expect(error).toBeUndefined());
  }

  /** A receiver of the queue, of a session by name, or of the next. */
  receive(session: string | undefined): void {
    const { plain, sessions } = this.#entity.queue;
    const receiver = new Receiver((number) => this.#delivered(receiver, number));
    if (plain) this.receivers.push(receiver);
    if (!sessions) return;
    const accepted = (hold: Hold) => {
      receiver.hold = hold;
      this.receivers.push(receiver);
    };
    if (session !== undefined) {
      const hold = sessions.acceptNamed(session, receiver);
      if ('session' in hold) accepted(hold);
      else expect(this.receivers.some((each) => each.hold?.session.id === session)).toBe(true);
      return;
    }
    const waiter = { consumer: receiver, waiting: true, accepted };
    const free = this.#live().some((each) => !this.#isHeld(each.session));
    sessions.acceptNext(waiter);
    // It may have to look for one behind those that are held.
    this.#core.committer.drain();
    expect(waiter.waiting).toBe(!free);
    if (receiver.hold) expect(this.#live(receiver.hold.session.id)).not.toEqual([]);
    waiter.waiting = false;
  }

  #isHeld(session: string): boolean {
    return this.receivers.some(({ hold }) => hold?.session.id === session);
  }

  grant(receiver: Receiver, credit: number): void {
    receiver.credit += credit;
    const { plain, sessions } = this.#entity.queue;
    if (receiver.hold) sessions?.feed(receiver.hold);
    else plain?.feed(receiver);
    if (receiver.credit > 0) expect(this.#live(receiver.hold?.session.id)).toEqual([]);
  }

  #delivered(receiver: Receiver, number: number): void {
    const waiting = this.#live(receiver.hold?.session.id);
    const first = waiting.reduce((lowest, each) => Math.min(lowest, each.number), NEVER);
    expect(number).toBe(first);
    const sent = this.available.get(number);
    this.available.delete(number);
    if (sent) this.held.set(number, sent);
  }

  settleLock(receiver: Receiver, at: number, kind: 'complete' | 'abandon' | 'defer'): void {
    const [number, lock] = [...receiver.locks][at % Math.max(receiver.locks.size, 1)] ?? [];
    if (number === undefined || !lock) return;
    receiver.locks.delete(number);
    const outcome: Outcome = kind === 'complete' ? { kind } : { kind, changes: new Map() };
    const sent = this.held.get(number);
    this.held.delete(number);
    if (sent && kind === 'abandon') this.#giveBack(sent);
    if (sent && kind === 'defer') this.deferred.set(number, sent);
    this.#entity.queue.settle(lock, outcome, (error) => expect(error).toBeUndefined());
  }

  /** A receiver of a session goes, and what it had comes back. */
  leave(receiver: Receiver): void {
    if (!receiver.hold) return;
    this.receivers = this.receivers.filter((each) => each !== receiver);
    this.#giveAllBack([...receiver.locks.keys()]);
    receiver.credit = 0;
    this.#entity.queue.sessions?.giveUp(receiver.hold);
  }

  #giveAllBack(numbers: number[]): void {
    for (const number of numbers) {
      const sent = this.held.get(number);
      this.held.delete(number);
      if (sent) this.#giveBack(sent);
    }
  }

  #giveBack(sent: Sent): void {
    this.#givenBack += 1;
    this.available.set(sent.number, sent);
  }

  restart(): void {
    this.settle();
    this.#giveAllBack([...this.held.keys()]);
    this.#givenBack = 0;
    this.receivers = [];
    this.#core.committer.stop();
    this.#start();
  }

  /** Time goes on, and before what follows from it is on disk somebody asks for more. */
  advance(ms: number, credit: number): void {
    this.#clock.time += ms;
    while (this.#clock.ring());
    for (const receiver of this.receivers) this.grant(receiver, credit);
  }

  check(): void {
    const { active, bytes, deferred, delivery } = this.#entity.queue;
    expect(active).toBe(this.available.size + this.held.size);
    expect(deferred.size).toBe(this.deferred.size);
    expect(this.#store.tally(this.#entity.id)).toMatchObject({ active, bytes, deferred: deferred.size });
    // A page may have been read, and what was given back stays in memory.
    expect(delivery.inMemory).toBeLessThanOrEqual(MOST_IN_MEMORY + 100 + this.#givenBack);
  }

  /** All that is left comes out in order. */
  end(): void {
    for (const receiver of this.receivers) this.leave(receiver);
    this.settle();
    for (let left = this.available.size; left > 0; left = this.available.size) {
      this.receive(undefined);
      const receiver = this.receivers.at(-1);
      if (!receiver) throw new Error(`nobody receives the ${left} that are left`);
      this.grant(receiver, left);
      while (receiver.locks.size > 0) this.settleLock(receiver, 0, 'complete');
      this.settle();
      this.leave(receiver);
      expect(this.available.size).toBeLessThan(left);
    }
    this.check();
    this.#core.committer.stop();
    this.#store.close();
  }
}

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const nat = fc.nat(1_000_000);
const step = fc.record({
  what: fc.constantFrom(
    ...(['send', 'send', 'next', 'named', 'grant', 'grant', 'complete', 'abandon', 'defer'] as const),
    ...(['leave', 'restart', 'advance'] as const),
  ),
  at: nat,
  count: fc.integer({ min: 1, max: 60 }),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function act(run: Run, { what, at, count }: Step): void {
  const receiver = run.receivers[at % Math.max(run.receivers.length, 1)];
  const name = NAMES[at % NAMES.length] ?? '';
  switch (what) {
    case 'send':
      run.send(
        Array.from({ length: count }, (_, n) => NAMES[(at + n * (at % 5)) % NAMES.length] ?? ''),
        at % 3 === 0 ? 5_000 + (at % 20_000) : 0,
      );
      break;
    case 'next':
      run.receive(undefined);
      break;
    case 'named':
      run.receive(name);
      break;
    case 'grant':
      if (receiver) run.grant(receiver, count);
      break;
    case 'complete':
    case 'abandon':
    case 'defer':
      if (!receiver) break;
      for (let n = 0; n < count / 10; n += 1) run.settleLock(receiver, at + n, what);
      break;
    case 'leave':
      if (receiver) run.leave(receiver);
      break;
    case 'restart':
      if (at % 4 === 0) run.restart();
      break;
    case 'advance':
      run.advance(at % 9_000, count % 7);
  }
  run.settle();
  run.check();
}

test.each([
  ['without sessions', false],
  ['with sessions', true],
])(
  'a queue %s, longer than memory, gives everything in order, once, and loses nothing',
  { timeout: 300_000 },
  (_, sessions) => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 5, maxLength: 80 }),
        fc.constantFrom(0, 1, MOST_IN_MEMORY - 5, MOST_IN_MEMORY + 600),
        fc.boolean(),
        (steps, before, ofOne) => {
          const run = new Run(sessions);
          // Some of the room in memory is taken from the start.
          for (let sent = 0; sent < before; sent += 100) {
            const size = Math.min(100, before - sent);
            run.send(
              Array.from({ length: size }, (_none, n) => (ofOne ? 'a' : (NAMES[n % NAMES.length] ?? ''))),
              0,
            );
          }
          run.settle();
          for (const each of steps) act(run, each);
          run.end();
        },
      ),
      { numRuns: 25, endOnFailure: true },
    );
  },
);
