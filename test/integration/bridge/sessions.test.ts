import { describe, expect, it } from 'vitest';
import type { HeldSession, Taken } from '../../../src/contract/ports.ts';
import {
  ACTORS,
  atEnd,
  collect,
  consume,
  numberOf,
  pumpDefaults,
  signal,
  startWorld,
  statusOf,
  toSession,
} from './kit.ts';

describe('the session pump', () => {
  it('gives every session its messages in order, many sessions at once', async () => {
    const { bridge } = await startWorld();
    const sessions = 40;
    const each = 25;
    const messages = Array.from({ length: sessions * each }, (_, at) =>
      toSession(`s${at % sessions}`, Math.floor(at / sessions)),
    );
    await bridge.publish(messages);
    const got = collect<{ sessionId: string; n: number }>(messages.length);
    let together = 0;
    let most = 0;
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      onSession: async (session: HeldSession) => {
        together += 1;
        most = Math.max(most, together);
        await consume(session, (message) => got.add({ sessionId: session.sessionId, n: numberOf(message) }));
        together -= 1;
      },
    });
    await got.done;
    await pump.stop();
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(pumpDefaults.maxSessions);
    for (let s = 0; s < sessions; s += 1) {
      const numbers = got.all.filter(({ sessionId }) => sessionId === `s${s}`).map(({ n }) => n);
      expect(numbers).toEqual(Array.from({ length: each }, (_, n) => n));
    }
  });

  it('shows a whole backlog in one batch, and the state of the last commit', async () => {
    const { bridge } = await startWorld();
    await bridge.publish(Array.from({ length: 50 }, (_, n) => toSession('s', n)));
    const seen = signal<Taken>();
    const states = collect<unknown>(2);
    let round = 0;
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      onSession: async (session) => {
        round += 1;
        const read = await session.readState();
        states.add(read.kind === 'state' ? read.state : read.kind);
        const taken = await session.take({ max: 100, idleMs: 1_000 });
        if (round === 1) seen.fire(taken);
        if (taken.kind !== 'messages') return;
        await session.commit({ round, text: 'é', none: null });
        for (const message of taken.messages) await session.settle(message, { kind: 'complete' });
      },
    });
    const taken = await seen.promise;
    expect(taken.kind === 'messages' && taken.messages.map(numberOf)).toEqual(
      Array.from({ length: 50 }, (_, n) => n),
    );
    await bridge.publish([toSession('s', 50)]);
    await states.done;
    await pump.stop();
    expect(states.all).toEqual([null, { round: 1, text: 'é', none: null }]);
  });

  it('says idle when nothing comes, releases the lock, and gives no more than asked for', async () => {
    const world = await startWorld();
    await world.bridge.publish([0, 1, 2].map((n) => toSession('s', n)));
    const takes = collect<Taken>(3);
    const ended = signal();
    const pump = world.bridge.pumpSessions({
      ...pumpDefaults,
      onSession: async (session) => {
        for (let at = 0; at < 3; at += 1) {
          const taken = await session.take({ max: 2, idleMs: 50 });
          takes.add(taken);
          if (taken.kind !== 'messages') break;
          for (const message of taken.messages) await session.settle(message, { kind: 'complete' });
        }
        ended.fire();
      },
    });
    await ended.promise;
    await pump.stop();
    expect(
      takes.all.map((taken) => (taken.kind === 'messages' ? taken.messages.length : taken.kind)),
    ).toEqual([2, 1, 'idle']);
    expect(await statusOf(world, ACTORS)).toMatchObject({ active: 0, locks: 0 });
  });

  it('lets an idle session go when every place is taken', async () => {
    const { bridge } = await startWorld();
    const ends = new Map<string, string>();
    const begun = collect<string>(3);
    const first = signal();
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      maxSessions: 2,
      onSession: async (session) => {
        for (;;) {
          const taken = await session.take({ max: 1, idleMs: 60_000 });
          if (taken.kind !== 'messages') return void ends.set(session.sessionId, taken.kind);
          for (const message of taken.messages) await session.settle(message, { kind: 'complete' });
          begun.add(session.sessionId);
          first.fire();
        }
      },
    });
    await bridge.publish([toSession('one', 0)]);
    await first.promise;
    // There is a place left for the second; the third needs one of theirs.
    await bridge.publish([toSession('two', 0)]);
    await bridge.publish([toSession('three', 0)]);
    await begun.done;
    // It asked for a minute.
    expect([...ends.values()]).toContain('idle');
    await pump.stop();
    expect([...begun.all].toSorted()).toEqual(['one', 'three', 'two']);
  });

  it('lets a waiting session in when a busy one has had its turn', async () => {
    const { bridge } = await startWorld();
    await bridge.publish([toSession('busy', 0), toSession('waiting', 0)]);
    const kinds = new Map<string, string>();
    const both = collect<string>(2);
    let n = 1;
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      maxSessions: 1,
      holdQuantumMs: 200,
      onSession: async (session) => {
        for (;;) {
          const taken = await session.take({ max: 1, idleMs: 100 });
          if (taken.kind !== 'messages') {
            if (!kinds.has(session.sessionId)) both.add(session.sessionId);
            kinds.set(session.sessionId, kinds.get(session.sessionId) ?? taken.kind);
            return;
          }
          // The busy one never runs out of messages.
          if (session.sessionId === 'busy' && both.all.length < 2)
            await bridge.publish([toSession('busy', n++)]);
          for (const message of taken.messages) await session.settle(message, { kind: 'complete' });
        }
      },
    });
    await both.done;
    await pump.stop();
    expect(kinds.get('busy')).toBe('yield');
    expect(kinds.get('waiting')).toBe('idle');
  });

  it('stops with no lock held and no delivery count raised, whatever was in the window', async () => {
    const world = await startWorld();
    const count = 100;
    await world.bridge.publish(Array.from({ length: count }, (_, n) => toSession('s', n)));
    const first: number[] = [];
    const some = signal();
    const goOn = signal();
    const last: string[] = [];
    const pump = world.bridge.pumpSessions({
      ...pumpDefaults,
      onSession: async (session) => {
        const taken = await session.take({ max: 10, idleMs: 1_000 });
        some.fire();
        await goOn.promise;
        if (taken.kind !== 'messages') return;
        // What was taken may be finished while the pump is stopping.
        last.push(await session.commit({ done: true }));
        for (const message of taken.messages) {
          first.push(numberOf(message));
          last.push(await session.settle(message, { kind: 'complete' }));
        }
        last.push((await session.take({ max: 10, idleMs: 1_000 })).kind);
      },
    });
    await some.promise;
    const stopped = pump.stop();
    goOn.fire();
    await stopped;
    expect(last).toEqual(['committed', ...first.map(() => 'settled'), 'closing']);
    expect(pump.active).toBe(0);
    expect(await statusOf(world, ACTORS)).toMatchObject({ active: count - first.length, locks: 0 });

    const rest = collect<{ n: number; deliveryCount: number }>(count - first.length);
    const other = await world.connect();
    const second = other.pumpSessions({
      ...pumpDefaults,
      onSession: (session) =>
        consume(session, (message) =>
          rest.add({ n: numberOf(message), deliveryCount: message.deliveryCount }),
        ),
    });
    atEnd(() => second.stop());
    await rest.done;
    expect(rest.all.map(({ deliveryCount }) => deliveryCount)).toEqual(rest.all.map(() => 0));
    expect([...first, ...rest.all.map(({ n }) => n)]).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  it('gives deferred messages by number and leaves out those that are gone', async () => {
    const { bridge } = await startWorld();
    await bridge.publish([0, 1, 2].map((n) => toSession('s', n)));
    const result = signal<{ again: number[]; after: number }>();
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      onSession: async (session) => {
        const taken = await session.take({ max: 3, idleMs: 500 });
        if (taken.kind !== 'messages') return;
        const numbers = taken.messages.map(({ sequenceNumber }) => sequenceNumber);
        for (const message of taken.messages) await session.settle(message, { kind: 'defer' });
        const again = await session.receiveDeferred([...numbers.toReversed(), 999_999]);
        for (const message of again) await session.settle(message, { kind: 'complete' });
        const after = await session.receiveDeferred(numbers);
        result.fire({ again: again.map(numberOf).toSorted((a, b) => a - b), after: after.length });
      },
    });
    expect(await result.promise).toEqual({ again: [0, 1, 2], after: 0 });
    await pump.stop();
  });

  it('holds one named session for a client and hands over what comes', async () => {
    const { bridge, connect } = await startWorld();
    const got = collect<number>(2);
    const pump = bridge.pumpNamedSession({
      entity: ACTORS,
      sessionId: 'me',
      onMessage: (message) => {
        got.add(numberOf(message));
        if (numberOf(message) === 0) throw new Error('on purpose');
      },
    });
    await pump.ready;
    expect(pump.active).toBe(1);
    const other = await connect();
    await other.publish([toSession('me', 0), toSession('you', 5), toSession('me', 1)]);
    await got.done;
    await pump.stop();
    expect(got.all).toEqual([0, 1]);
    expect(pump.active).toBe(0);
  });
});
