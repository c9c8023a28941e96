import { expect, it } from 'vitest';
import type { InspectedSnapshot } from '../../../src/contract/ports.ts';
import {
  type Change,
  createActorStore,
  MAX_ACTORS,
  MAX_ENDED,
  MAX_EVENTS,
  MAX_EVENTS_PER_ACTOR,
} from '../../../src/inspector/store.ts';

const definition = { id: 'm', initial: 'a', states: { a: {}, b: {} } };
const snapshot = (over: Partial<InspectedSnapshot> = {}): InspectedSnapshot => ({
  status: 'active',
  value: 'a',
  context: {},
  tags: [],
  ...over,
});
const address = (id: string, type = 'review') => ({ type, id });

function setUp() {
  const changes: Change[] = [];
  let now = 1_000;
  const store = createActorStore(
    (change) => changes.push(change),
    () => now,
  );
  const tick = (ms: number): void => {
    now += ms;
  };
  const actor = (id: string, over: Partial<InspectedSnapshot> = {}) =>
    store.actor({ address: address(id), definition, snapshot: snapshot(over) });
  const step = (id: string, type: string, over: Partial<InspectedSnapshot> = {}) =>
    store.step({
      address: address(id),
      turn: 2,
      events: [{ event: { type }, value: 'b' }],
      snapshot: snapshot(over),
    });
  return { store, changes, tick, actor, step };
}

it('keeps the last snapshot and the events with their times', () => {
  const { store, tick, actor, step } = setUp();
  actor('1');
  tick(5);
  step('1', 'GO', { value: 'b', context: { n: 1 } });
  expect(store.get('review/1')).toMatchObject({
    turn: 2,
    createdAt: 1_000,
    changedAt: 1_005,
    snapshot: { value: 'b', context: { n: 1 } },
    events: [{ at: 1_005, event: { type: 'GO' }, value: 'b' }],
  });
});

it('knows the root by the real parents, also when the parent is told later', () => {
  const { store } = setUp();
  const child = { address: address('c', 'saga'), parent: address('1'), definition, snapshot: snapshot() };
  const grandchild = {
    address: address('g', 'saga'),
    parent: address('c', 'saga'),
    definition,
    snapshot: snapshot(),
  };
  store.actor(grandchild);
  expect(store.get('saga/g')).toMatchObject({ parentId: 'saga/c', rootId: 'saga/c' });
  store.actor({ address: address('1'), definition, snapshot: snapshot() });
  store.actor(child);
  store.step({ address: grandchild.address, turn: 1, events: [], snapshot: snapshot() });
  expect(store.get('review/1')).toMatchObject({ rootId: 'review/1', parentId: undefined });
  expect(store.get('saga/c')).toMatchObject({ rootId: 'review/1', parentId: 'review/1' });
  expect(store.get('saga/g')).toMatchObject({ rootId: 'review/1' });
});

it('says nothing of an actor told again, and keeps its snapshot; a newer definition announces it', () => {
  const { changes, store, actor, step } = setUp();
  actor('1');
  step('1', 'GO');
  changes.length = 0;
  actor('1', { value: 'b' });
  expect(changes).toEqual([]);
  expect(store.get('review/1')).toMatchObject({ turn: 2, snapshot: { value: 'b' } });
  store.actor({ address: address('1'), definition: { id: 'm2' }, snapshot: snapshot() });
  expect(changes.at(-1)).toMatchObject({ kind: 'actor', record: { definition: { id: 'm2' } } });
  expect(store.definitionOf('review')).toEqual({ id: 'm2' });
});

it('forgets the one that ended first when too many have ended, and no living one', () => {
  const { store, changes, actor, step } = setUp();
  actor('alive');
  for (let n = 0; n <= MAX_ENDED; n += 1) {
    actor(`${n}`);
    step(`${n}`, 'END', { status: 'done' });
  }
  expect(store.get('review/0')).toBeUndefined();
  expect(store.get('review/1')).toBeDefined();
  expect(store.get('review/alive')).toBeDefined();
  expect(changes.filter(({ kind }) => kind === 'forgotten')).toEqual([
    { kind: 'forgotten', sessionId: 'review/0' },
  ]);
});

it('bounds the living too: the one unchanged for longest goes, and comes back with its next step', () => {
  const { store, changes, actor, step } = setUp();
  for (let n = 0; n <= MAX_ACTORS; n += 1) actor(`${n}`);
  expect([...store.ids()]).toHaveLength(MAX_ACTORS);
  expect(store.get('review/0')).toBeUndefined();
  step('0', 'GO', { value: 'b' });
  expect(changes.slice(-3).map(({ kind }) => kind)).toEqual(['actor', 'forgotten', 'step']);
  expect(store.get('review/0')).toMatchObject({ definition, snapshot: { value: 'b' } });
});

it('ignores a step of an actor of which nothing is known', () => {
  const { changes, step } = setUp();
  step('1', 'GO');
  expect(changes).toEqual([]);
});

it('keeps few events of one actor, and few over all', () => {
  const { store, actor, step } = setUp();
  actor('busy');
  for (let n = 0; n < MAX_EVENTS_PER_ACTOR + 5; n += 1) step('busy', `E${n}`);
  const events = store.get('review/busy')?.events ?? [];
  expect(events).toHaveLength(MAX_EVENTS_PER_ACTOR);
  expect(events[0]?.event.type).toBe('E5');
  const others = MAX_EVENTS / MAX_EVENTS_PER_ACTOR;
  for (let n = 0; n < others; n += 1) {
    actor(`${n}`);
    for (let m = 0; m < MAX_EVENTS_PER_ACTOR; m += 1) step(`${n}`, 'E');
  }
  expect(store.get('review/busy')?.events).toEqual([]);
  const kept = [...store.ids()].reduce((sum, id) => sum + (store.get(id)?.events.length ?? 0), 0);
  expect(kept).toBe(MAX_EVENTS);
});

it('keeps of a huge event its type alone, and tells it whole', () => {
  const { store, changes, actor } = setUp();
  actor('1');
  const event = { type: 'BIG', body: 'x'.repeat(100_000) };
  store.step({ address: address('1'), turn: 1, events: [{ event, value: 'b' }], snapshot: snapshot() });
  expect(store.get('review/1')?.events[0]?.event).toEqual({ type: 'BIG', '…': 'too large to keep' });
  expect(changes.at(-1)).toMatchObject({ kind: 'step', events: [{ event }] });
});
