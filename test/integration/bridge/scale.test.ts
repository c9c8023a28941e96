// Many sessions of one process: over several connections, and nothing stays open behind them.
import { expect, it } from 'vitest';
import {
  ACTORS,
  atEnd,
  collect,
  consume,
  pumpDefaults,
  signal,
  startWorld,
  statusOf,
  toSession,
} from './kit.ts';

it('holds hundreds of sessions at once, at most a hundred on a connection', async () => {
  const world = await startWorld();
  const count = 250;
  const held = collect<string>(count);
  const goOn = signal();
  const pump = world.bridge.pumpSessions({
    ...pumpDefaults,
    maxSessions: count,
    onSession: async (session) => {
      // A host takes more sessions as its batches are in time: one is over when the next is asked for.
      await session.take({ max: 1, idleMs: 10_000 });
      await session.take({ max: 1, idleMs: 1 });
      held.add(session.sessionId);
      await goOn.promise;
    },
  });
  await world.bridge.publish(Array.from({ length: count }, (_, n) => toSession(`s${n}`, n)));
  await held.done;
  expect(new Set(held.all).size).toBe(count);
  expect(await statusOf(world, ACTORS)).toMatchObject({ locks: count });
  // One more publishes.
  expect((await world.broker.counters())['connections']).toBeGreaterThanOrEqual(4);
  goOn.fire();
  await pump.stop();
  expect(await statusOf(world, ACTORS)).toMatchObject({ active: count, locks: 0 });
});

it('leaves no connection, session or link open behind sessions that came and went', async () => {
  const { bridge, broker } = await startWorld();
  await bridge.publish([toSession('first', 0)]);
  const before = await broker.counters();
  const count = 300;
  const done = collect<string>(count + 1);
  const pump = bridge.pumpSessions({
    ...pumpDefaults,
    onSession: (session) => consume(session, () => done.add(session.sessionId)),
  });
  await bridge.publish(Array.from({ length: count }, (_, n) => toSession(`s${n}`, n)));
  await done.done;
  await pump.stop();
  const open = async () => {
    const { connections, endpoints } = await broker.counters();
    return { connections, endpoints };
  };
  const { connections, endpoints } = before;
  await expect.poll(open).toEqual({ connections, endpoints });
});

it('cancels the accepts under way when it stops, so that what comes later is for others', async () => {
  const world = await startWorld();
  const { bridge, broker, connect } = world;
  const pump = bridge.pumpSessions({ ...pumpDefaults, onSession: async () => {} });
  // An accept is a link that the broker has not answered.
  await expect.poll(async () => (await broker.counters())['endpoints']).toBeGreaterThan(0);
  await pump.stop();
  await bridge.publish([toSession('s', 0)]);
  expect(await statusOf(world, ACTORS)).toMatchObject({ active: 1, locks: 0 });
  const got = collect<number>(1);
  const other = (await connect()).pumpSessions({
    ...pumpDefaults,
    onSession: (session) => consume(session, ({ deliveryCount }) => got.add(deliveryCount)),
  });
  atEnd(() => other.stop());
  await got.done;
  expect(got.all).toEqual([0]);
});
