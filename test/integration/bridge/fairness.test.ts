// I14 over a real socket: places are few, and who has one gives way to those who wait; a saturated pool takes no more.
import { describe, expect, it } from 'vitest';
import type { HeldSession } from '../../../src/contract/ports.ts';
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

/** Nobody lets go by himself within the limit of a test. */
const FOR_EVER_MS = 600_000;

describe('places', () => {
  it('are left by sessions that only wait for more, and no more are in use than there are', async () => {
    const { bridge } = await startWorld();
    const sessions = 50;
    const seen = collect<string>(sessions);
    let inUse = 0;
    let most = 0;
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      maxSessions: 5,
      holdQuantumMs: FOR_EVER_MS,
      onSession: async (session: HeldSession) => {
        inUse += 1;
        most = Math.max(most, inUse);
        await consume(session, () => seen.add(session.sessionId), FOR_EVER_MS);
        inUse -= 1;
      },
    });
    atEnd(() => pump.stop());
    await bridge.publish(Array.from({ length: sessions }, (_, n) => toSession(`s${n}`, 0)));
    await seen.done;
    expect(new Set(seen.all).size).toBe(sessions);
    expect(most).toBeLessThanOrEqual(5);
  });

  it('are passed on by sessions that never run out of messages', async () => {
    const { bridge } = await startWorld();
    const sessions = Array.from({ length: 6 }, (_, n) => `s${n}`);
    const all = signal();
    const turns = new Map<string, number>();
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      maxSessions: 2,
      holdQuantumMs: 20,
      onSession: async (session) => {
        turns.set(session.sessionId, (turns.get(session.sessionId) ?? 0) + 1);
        if (sessions.every((id) => (turns.get(id) ?? 0) >= 2)) all.fire();
        for (;;) {
          const taken = await session.take({ max: 1, idleMs: FOR_EVER_MS });
          if (taken.kind !== 'messages') return;
          await bridge.publish([toSession(session.sessionId, 0)]);
          for (const message of taken.messages) await session.settle(message, { kind: 'complete' });
        }
      },
    });
    atEnd(() => pump.stop());
    await bridge.publish(sessions.flatMap((id) => [toSession(id, 0), toSession(id, 1)]));
    await all.promise;
  });

  it('are waited for with the lock held, and given back when the pump stops', async () => {
    const world = await startWorld();
    const held = signal();
    const goOn = signal();
    const pump = world.bridge.pumpSessions({
      ...pumpDefaults,
      maxSessions: 1,
      onSession: async () => {
        held.fire();
        await goOn.promise;
      },
    });
    await world.bridge.publish([toSession('a', 0), toSession('b', 0)]);
    await held.promise;
    await expect.poll(async () => (await statusOf(world, ACTORS))?.locks).toBe(2);
    expect(pump.active).toBe(1);
    const stopped = pump.stop();
    goOn.fire();
    await stopped;
    expect(await statusOf(world, ACTORS)).toMatchObject({ active: 2, locks: 0 });
  });
});

describe('a saturated pool', () => {
  it('takes no session, and takes them as soon as it has room', async () => {
    const { bridge, connect } = await startWorld();
    let saturated = true;
    const mine = collect<string>(1);
    const others = collect<string>(20);
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      isSaturated: () => saturated,
      onSession: (session) => consume(session, () => mine.add(session.sessionId)),
    });
    atEnd(() => pump.stop());
    const other = (await connect()).pumpSessions({
      ...pumpDefaults,
      onSession: (session) => consume(session, () => others.add(session.sessionId)),
    });
    await bridge.publish(Array.from({ length: 20 }, (_, n) => toSession(`s${n}`, n)));
    await others.done;
    await other.stop();
    expect(mine.all).toEqual([]);
    await bridge.publish([toSession('mine', 0)]);
    saturated = false;
    await mine.done;
    expect(mine.all).toEqual(['mine']);
  });
});
