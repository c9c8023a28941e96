import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { DATA_FILE, openStore } from '../../../src/store/sqlite.ts';
import { type MessageRow, type Store, StoreFullError } from '../../../src/store/store.ts';

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'broker-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function opened(folder?: string, maxPages?: number): Store {
  const store = openStore({ folder, maxPages });
  store.transaction(() => {
    for (const id of [1, 2]) {
      store.putEntity({ id, path: `e${id}`, kind: 'queue', description: '{}', ceiling: 1 });
    }
  });
  return store;
}

function row(entity: number, seq: number, more: Partial<MessageRow> = {}): MessageRow {
  return {
    entity,
    seq,
    state: 0,
    size: 10,
    shared: 0,
    enqueuedAt: 1,
    expiresAt: 0,
    dueAt: 0,
    deliveryCount: 0,
    session: null,
    origin: 0,
    source: null,
    hops: 0,
    ...more,
  };
}

const put = (store: Store, message: MessageRow) =>
  store.insertMessage(message, message.shared > 0 ? undefined : Buffer.alloc(message.size, message.seq));

/** By counting, as a start did once. */
function counted(store: Store, entity: number) {
  const all = [...store.messagesFrom(entity, 0, undefined, 1000)];
  const sizeOf = (some: typeof all) => some.reduce((bytes, { size }) => bytes + size, 0);
  return {
    active: all.filter(({ state }) => state === 0).length,
    deferred: all.filter(({ state }) => state === 1).length,
    scheduled: all.filter(({ state }) => state === 2).length,
    bytes: sizeOf(all.filter(({ state }) => state !== 2)),
    scheduledBytes: sizeOf(all.filter(({ state }) => state === 2)),
    stateBytes: 0,
  };
}

test('counts are what counting finds, whatever is stored, changed, removed and rolled back', () => {
  const state = fc.constantFrom(0 as const, 1 as const, 2 as const);
  const step = fc.record({
    what: fc.constantFrom('put', 'delete', 'deliver', 'missing'),
    entity: fc.constantFrom(1, 2),
    state,
    at: fc.nat(40),
    size: fc.nat(50),
    fails: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 12 }), (transactions) => {
      const store = opened();
      let seq = 0;
      for (const steps of transactions) {
        const fails = steps.some((each) => each.fails);
        const run = () =>
          store.transaction(() => {
            for (const { what, entity, state: next, at, size } of steps) {
              if (what === 'put') put(store, row(entity, ++seq, { state: next, size }));
              if (what === 'missing') store.deleteMessage(row(entity, 1_000_000));
              const all = [...store.messagesFrom(entity, 0, undefined, 1000)];
              const message = all[at % Math.max(all.length, 1)];
              if (message && what === 'delete') store.deleteMessage(message);
              if (message && what === 'deliver') store.setDelivery(message, message.deliveryCount + 1, next);
            }
            if (fails) throw new Error('rolled back');
          });
        if (fails) expect(run).toThrow('rolled back');
        else run();
        for (const entity of [1, 2]) expect(store.tally(entity)).toEqual(counted(store, entity));
      }
      store.close();
    }),
    { numRuns: 60 },
  );
});

test('messages come in the order of their numbers, of one entity alone, of one session alone', () => {
  const store = opened();
  store.transaction(() => {
    for (const seq of [5, 1, 9, 3]) put(store, row(1, seq, { session: seq < 4 ? 'a' : 'b' }));
    put(store, row(1, 2, { session: 'a', state: 1 }));
    put(store, row(1, 4, { session: 'a', state: 2, dueAt: 50 }));
    put(store, row(2, 2, { session: 'a' }));
  });
  const numbers = (found: Iterable<{ seq: number }>) => [...found].map(({ seq }) => seq);
  expect(numbers(store.messagesFrom(1, 0, undefined, 10))).toEqual([1, 2, 3, 4, 5, 9]);
  expect(numbers(store.messagesFrom(1, 2, undefined, 2))).toEqual([2, 3]);
  expect(numbers(store.messagesFrom(1, 2, 'a', 10))).toEqual([2, 3, 4]);
  expect(numbers(store.messagesFrom(1, 0, 'a', 2))).toEqual([1, 2]);
  expect(numbers(store.activeAfter(1, 1, undefined, 10))).toEqual([3, 5, 9]);
  expect(numbers(store.activeAfter(1, 1, undefined, 2))).toEqual([3, 5]);
  expect(numbers(store.activeAfter(1, 0, 'a', 10))).toEqual([1, 3]);
  expect(numbers(store.activeAfter(1, 5, 'b', 10))).toEqual([9]);
  store.close();
});

test('sessions are those with a state or a message that is not scheduled, and states are counted in bytes', () => {
  const store = opened();
  store.transaction(() => {
    put(store, row(1, 1, { session: 'b' }));
    put(store, row(1, 2, { session: 'b' }));
    put(store, row(1, 3, { session: 'deferred', state: 1 }));
    put(store, row(1, 4, { session: 'scheduled', state: 2, dueAt: 50 }));
    put(store, row(2, 5, { session: 'other' }));
    expect(store.setSessionState(1, 'b', Buffer.alloc(30), 100)).toBe(30);
    expect(store.setSessionState(1, 'a', Buffer.alloc(50), 200)).toBe(50);
    expect(store.setSessionState(1, 'a', Buffer.alloc(20), 300)).toBe(-30);
    expect(store.setSessionState(1, 'gone', Buffer.alloc(9), 300)).toBe(9);
    expect(store.setSessionState(1, 'gone', undefined, 400)).toBe(-9);
  });
  expect(store.tally(1).stateBytes).toBe(50);
  expect(store.countSessions(1)).toBe(3);
  expect(store.sessions(1, undefined, 0, 10)).toEqual(['a', 'b', 'deferred']);
  expect(store.sessions(1, undefined, 1, 1)).toEqual(['b']);
  expect(store.sessions(1, 100, 0, 10)).toEqual(['a']);
  store.close();
});

test('what expires or is due is found by its time, and what is deferred expires no more', () => {
  const store = opened();
  store.transaction(() => {
    put(store, row(1, 1, { expiresAt: 300 }));
    put(store, row(1, 2, { expiresAt: 100 }));
    put(store, row(1, 3, { expiresAt: 200 }));
    put(store, row(1, 4, { state: 2, dueAt: 400 }));
    put(store, row(1, 5, { state: 2, dueAt: 150 }));
    put(store, row(2, 6, { expiresAt: 1 }));
  });
  const numbers = (found: Iterable<{ seq: number }>) => [...found].map(({ seq }) => seq);
  expect(numbers(store.expired(1, 0, 200))).toEqual([2, 3]);
  expect(numbers(store.expired(1, 100, 300))).toEqual([3, 1]);
  expect([store.nextExpiry(1, 0), store.nextExpiry(1, 100), store.nextExpiry(1, 300)]).toEqual([
    100,
    200,
    undefined,
  ]);
  expect(numbers(store.due(1, 400))).toEqual([5, 4]);
  expect([store.nextDue(1, 0), store.nextDue(1, 150), store.nextDue(1, 400)]).toEqual([150, 400, undefined]);
  const [second] = store.expired(1, 0, 100);
  if (!second) throw new Error('nothing expires');
  store.transaction(() => store.setDelivery(second, 1, 1));
  expect(numbers(store.expired(1, 0, 200))).toEqual([3]);
  expect(store.message(1, 2)).toMatchObject({ state: 1, deliveryCount: 1 });
  store.close();
});

test('a shared body is stored once and goes in the transaction of its last holder', () => {
  const folder = dataFolder();
  const store = opened(folder);
  const bytes = Buffer.alloc(10, 'b');
  const holders = [row(1, 1, { shared: 7 }), row(2, 1, { shared: 7 }), row(2, 2, { shared: 7 })];
  store.transaction(() => {
    store.insertBody(7, bytes);
    for (const holder of holders) put(store, holder);
  });
  expect(store.message(2, 2)?.bytes).toEqual(bytes);
  expect(store.bytes(2, 2, 7)).toEqual(bytes);
  const [first, second, third] = holders as [MessageRow, MessageRow, MessageRow];
  store.transaction(() => store.deleteMessage(first));
  expect(store.lastBody()).toBe(7);
  const failing = () =>
    store.transaction(() => {
      store.deleteMessage(second);
      store.deleteMessage(third);
      expect(store.lastBody()).toBe(0);
      throw new Error('rolled back');
    });
  expect(failing).toThrow('rolled back');
  expect(store.message(2, 2)?.bytes).toEqual(bytes);
  // The rest of them go with their entity.
  store.transaction(() => {
    store.removeEntity(2);
    expect(store.purgeRemoved(10)).toBe(true);
  });
  expect(store.lastBody()).toBe(0);
  store.close();
});

test('an entity that is removed is gone at once; what it held goes bit by bit, also after a restart', () => {
  const folder = dataFolder();
  const store = opened(folder);
  const MESSAGES = 25;
  store.transaction(() => {
    store.insertBody(1, Buffer.from('both'));
    store.insertBody(2, Buffer.from('mine'));
    put(store, row(1, 1, { shared: 1 }));
    put(store, row(2, 1, { shared: 1 }));
    put(store, row(2, 2, { shared: 2 }));
    for (let seq = 3; seq <= MESSAGES; seq += 1) put(store, row(2, seq, { shared: seq % 2 === 0 ? 2 : 0 }));
    for (let n = 0; n < 15; n += 1) store.setSessionState(2, `s${n}`, Buffer.from('state'), 1);
    for (let n = 1; n < 40; n += 1) store.insertDuplicate(2, n, `id${n}`);
    store.setSessionState(1, 's', Buffer.from('state'), 1);
    store.removeEntity(2);
  });
  expect(store.entities().map(({ id }) => id)).toEqual([1]);
  store.transaction(() => expect(store.purgeRemoved(10)).toBe(true));
  expect([...store.messagesFrom(2, 0, undefined, 100)]).toHaveLength(MESSAGES - 10);
  store.close();

  const again = openStore({ folder, maxPages: undefined });
  // Its number is not given to another while anything is left under it.
  expect(again.entities().map(({ id }) => id)).toEqual([1]);
  expect(again.lastEntity()).toBe(2);
  const purges: boolean[] = [];
  while (purges.at(-1) !== false) again.transaction(() => void purges.push(again.purgeRemoved(10)));
  expect(purges).toEqual([true, true, true, false]);
  expect(again.lastEntity()).toBe(1);
  expect([again.message(2, 25), again.sessionState(2, 's1'), ...again.duplicates(2, 0)]).toEqual([
    undefined,
    undefined,
  ]);
  expect(again.message(1, 1)?.bytes.toString()).toBe('both');
  expect(again.sessionState(1, 's')?.toString()).toBe('state');
  expect(again.lastBody()).toBe(1);
  again.close();
});

test('a full store refuses a whole transaction and its reserve takes what frees space', () => {
  const folder = dataFolder();
  const store = opened(folder, 100);
  let seq = 0;
  const fill = () => {
    for (;;) store.transaction(() => put(store, row(1, ++seq, { size: 20_000 })));
  };
  expect(fill).toThrow(StoreFullError);
  expect(store.tally(1)).toMatchObject({ active: seq - 1 });
  store.withReserve(() => store.transaction(() => store.deleteMessage(row(1, 1, { size: 20_000 }))));
  expect(store.tally(1)).toMatchObject({ active: seq - 2, bytes: (seq - 2) * 20_000 });
  store.close();
  const db = new DatabaseSync(join(folder, DATA_FILE));
  expect(Number(db.prepare('PRAGMA page_count').get()?.['page_count'])).toBeLessThanOrEqual(100 / 2 + 32);
  db.close();
});
