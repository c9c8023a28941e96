// What the broker does by itself while its disk is full waits until there is room, and is not given up.
import { expect, test } from 'vitest';
import { Alarms, type Clock } from '../../../src/clock.ts';
import { Envelope } from '../../../src/codec/envelope.ts';
import { Core } from '../../../src/core/core.ts';
import { limitsOf } from '../../../src/core/limits.ts';
import { Namespace } from '../../../src/core/namespace.ts';
import type { Consumer, Lock, StoredMessage } from '../../../src/core/records.ts';
import { openStore } from '../../../src/store/sqlite.ts';
import { StoreFullError } from '../../../src/store/store.ts';
import { encodedMessage } from '../../kit/broker-message.ts';

const SECOND = 1_000;

class SteppedClock implements Clock {
  time = 1_000_000;
  readonly #timers = new Set<{ at: number; fn: () => void }>();
  now = () => this.time;

  setTimer(at: number, fn: () => void): () => void {
    const timer = { at, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  ring(): boolean {
    const due = [...this.#timers].find(({ at }) => at <= this.time);
    if (due) this.#timers.delete(due);
    due?.fn();
    return due !== undefined;
  }
}

function setUp() {
  const clock = new SteppedClock();
  const store = openStore({ folder: undefined, maxPages: undefined });
  const disk = { full: false, tries: 0 };
  const transaction = store.transaction.bind(store);
  store.transaction = (work) => {
    if (!disk.full) return transaction(work);
    disk.tries += 1;
    throw new StoreFullError('No room is left');
  };
  const core = new Core(store, new Alarms(clock), limitsOf(), (error) => {
    throw error;
  });
  const namespace = new Namespace(core);
  namespace.declare({
    queues: [
      { name: 'q', maxDeliveryCount: 2, lockDuration: 'PT5S', deadLetteringOnMessageExpiration: true },
    ],
    topics: [],
  });
  const entityOf = (name: string) => {
    const entity = namespace.queues.get(name);
    if (!entity) throw new Error(`there is no ${name}`);
    return entity;
  };
  const settle = () => {
    do core.committer.drain();
    while (clock.ring());
  };
  /** A second at a time, as alarms are set anew. */
  const pass = (seconds: number) => {
    for (let at = 0; at < seconds; at += 1) {
      clock.time += SECOND;
      settle();
    }
  };
  const send = (name: string, ttlMs?: number) => {
    entityOf(name).intake.send([new Envelope(encodedMessage('m', undefined, ttlMs))], (error) =>
      expect(error).toBeUndefined(),
    );
    settle();
  };
  const held: Lock[] = [];
  const receive = () => {
    let credit = 1;
    const consumer: Consumer = {
      name: 'receiver',
      live: true,
      receiveAndDelete: false,
      capacity: () => credit,
      deliver: (_: StoredMessage, __: Buffer, lock: Lock | undefined) => {
        credit -= 1;
        if (lock) held.push(lock);
      },
      reserve: () => {},
      unreserve: () => {},
      lost: () => {},
    };
    entityOf('q').queue.plain?.feed(consumer);
    settle();
  };
  return { disk, entityOf, pass, send, settle, held, receive };
}

/** The section of annotations that a client's schedule request has. */
function scheduledFor(due: number): Buffer {
  const name = Buffer.from('x-opt-scheduled-enqueue-time');
  const at = Buffer.alloc(8);
  at.writeBigInt64BE(BigInt(due));
  const map = Buffer.concat([Buffer.from([2, 0xa3, name.length]), name, Buffer.from([0x83]), at]);
  return Buffer.concat([Buffer.from([0x00, 0x53, 0x72, 0xc1, map.length]), map]);
}

/** A few tries a second at most, whatever waits. */
function seldom(disk: { tries: number }, seconds: number): void {
  expect(disk.tries).toBeGreaterThan(1);
  expect(disk.tries).toBeLessThanOrEqual(seconds * 4);
}

test('a message whose lock runs out comes back once there is room, counted once', () => {
  const { disk, entityOf, pass, send, held, receive } = setUp();
  send('q');
  receive();
  expect(held).toHaveLength(1);
  disk.full = true;
  pass(10);
  seldom(disk, 10);
  disk.full = false;
  pass(2);
  receive();
  expect(held).toHaveLength(2);
  expect(held[1]?.message.deliveryCount).toBe(1);
  // And past its count it is a dead letter, though that was refused for a while as well.
  disk.full = true;
  pass(10);
  disk.full = false;
  pass(2);
  expect(entityOf('q').queue.active).toBe(0);
  expect(entityOf('q').queue.deadLetters?.active).toBe(1);
});

test('a message that expires is a dead letter once there is room', () => {
  const { disk, entityOf, pass, send } = setUp();
  send('q', 2 * SECOND);
  disk.full = true;
  pass(10);
  seldom(disk, 10);
  expect(entityOf('q').queue.deadLetters?.active).toBe(0);
  disk.full = false;
  pass(2);
  expect(entityOf('q').queue.active).toBe(0);
  expect(entityOf('q').queue.deadLetters?.active).toBe(1);
});

test('a message that is due is handed out once there is room', () => {
  const { disk, entityOf, pass, settle } = setUp();
  const { intake } = entityOf('q');
  const due = 1_000_000 + 2 * SECOND;
  const message = new Envelope(Buffer.concat([scheduledFor(due), encodedMessage('m')]));
  intake.send([message], (error) => expect(error).toBeUndefined(), [intake.reserve()]);
  settle();
  expect(intake.schedule.size).toBe(1);
  disk.full = true;
  pass(10);
  seldom(disk, 10);
  expect(intake.schedule.size).toBe(1);
  disk.full = false;
  pass(2);
  expect(entityOf('q').queue.active).toBe(1);
  expect(intake.schedule.size).toBe(0);
});
