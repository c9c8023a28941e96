// I1: nothing is written once the lock is gone or its fate unknown; and everything goes on by itself afterwards.
import { describe, expect, it } from 'vitest';
import {
  atEnd,
  collect,
  consume,
  numberOf,
  pumpDefaults,
  REPLIES,
  signal,
  startWorld,
  TASKS,
  task,
  toSession,
} from './kit.ts';

describe('a lost lock', () => {
  it('refuses the commit when the lease is over by the wall clock, and reads the state anew', async () => {
    let jumpMs = 0;
    const { bridge } = await startWorld({ bridge: { clock: { now: () => Date.now() + jumpMs } } });
    await bridge.publish([toSession('s', 1)]);
    const outcomes = collect<unknown>(4);
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      onSession: async (session) => {
        const read = await session.readState();
        const taken = await session.take({ max: 1, idleMs: 1_000 });
        if (taken.kind !== 'messages' || taken.messages[0] === undefined) return;
        if (jumpMs === 0) {
          expect(await session.commit({ turn: 1 })).toBe('committed');
          jumpMs = 3_600_000;
          outcomes.add(await session.commit({ turn: 2 }));
          outcomes.add(await session.settle(taken.messages[0], { kind: 'complete' }));
          outcomes.add((await session.take({ max: 1, idleMs: 1_000 })).kind);
          jumpMs = 1;
          return;
        }
        outcomes.add(read);
        await session.settle(taken.messages[0], { kind: 'complete' });
      },
    });
    await outcomes.done;
    await pump.stop();
    expect(outcomes.all).toEqual(['lost', 'lost', 'lost', { kind: 'state', state: { turn: 1 } }]);
  });

  it('keeps a session for many lock durations by renewing', async () => {
    const { bridge } = await startWorld({ lockDurationMs: 1_000 });
    await bridge.publish([toSession('s', 1)]);
    const outcome = signal<string>();
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      onSession: async (session) => {
        await session.take({ max: 1, idleMs: 1_000 });
        const idle = await session.take({ max: 1, idleMs: 3_500 });
        outcome.fire(`${idle.kind} ${await session.commit({ turn: 1 })}`);
      },
    });
    expect(await outcome.promise).toBe('idle committed');
    await pump.stop();
  });

  it('answers lost to everybody who waits when the broker goes away, and keeps what was committed', async () => {
    const world = await startWorld({ durable: true });
    const { bridge } = world;
    await bridge.publish([toSession('s', 1)]);
    const held = signal();
    const first = collect<unknown>(2);
    const again = signal<unknown>();
    let round = 0;
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      onSession: async (session) => {
        round += 1;
        const read = await session.readState();
        const taken = await session.take({ max: 1, idleMs: 5_000 });
        if (taken.kind !== 'messages' || taken.messages[0] === undefined) return;
        if (round > 1) {
          await session.commit({ turn: 2 });
          await session.settle(taken.messages[0], { kind: 'complete' });
          return again.fire(read);
        }
        expect(await session.commit({ turn: 1 })).toBe('committed');
        const waiting = session.take({ max: 1, idleMs: 60_000 });
        held.fire();
        first.add((await waiting).kind);
        first.add(await session.commit({ turn: 'never' }));
      },
    });
    await held.promise;
    await world.restart(() => first.done);
    expect(first.all).toEqual(['lost', 'lost']);
    expect(await again.promise).toEqual({ kind: 'state', state: { turn: 1 } });
    await pump.stop();
  });
});

describe('a restart of the broker', () => {
  it('is survived by sessions, tasks, sends and named sessions', async () => {
    const world = await startWorld({ durable: true });
    const { bridge } = world;
    const count = 30;
    const sessions = collect<number>(count);
    const tasks = collect<number>(count);
    const replies = collect<number>(2);
    const seen = new Set<string>();
    const pumps = [
      bridge.pumpSessions({
        ...pumpDefaults,
        onSession: (session) =>
          consume(session, (message) => {
            // A settlement that was under way when the broker went is redelivered: at least once.
            const key = `${session.sessionId} ${message.messageId}`;
            if (!seen.has(key)) sessions.add(numberOf(message));
            seen.add(key);
          }),
      }),
      bridge.pumpTasks({
        entity: TASKS,
        concurrency: 4,
        onMessage: async (message) => {
          if (!seen.has(message.messageId)) tasks.add(numberOf(message));
          seen.add(message.messageId);
          return { kind: 'complete' };
        },
      }),
    ];
    const other = await world.connect();
    const named = other.pumpNamedSession({
      entity: REPLIES,
      sessionId: 'client',
      onMessage: (message) => replies.add(numberOf(message)),
    });
    await named.ready;
    await bridge.publish([toSession('client', 1, { entity: REPLIES })]);
    const half = (from: number) =>
      Array.from({ length: count / 2 }, (_, n) => [toSession(`s${n % 5}`, from + n), task(from + n)]).flat();
    await bridge.publish(half(0));
    let published: Promise<unknown> = Promise.resolve();
    await world.restart(async () => {
      published = bridge.publish([...half(count / 2), toSession('client', 2, { entity: REPLIES })]);
    });
    await published;
    await Promise.all([sessions.done, tasks.done, replies.done]);
    const all = Array.from({ length: count }, (_, n) => n);
    expect(sessions.all.toSorted((a, b) => a - b)).toEqual(all);
    expect(tasks.all.toSorted((a, b) => a - b)).toEqual(all);
    expect(replies.all).toEqual([1, 2]);
    await Promise.all([...pumps, named].map((pump) => pump.stop()));
  });

  it('leaves the task pump at its concurrency, also when tasks outlive the connection', async () => {
    const world = await startWorld({ durable: true });
    const { bridge } = world;
    const concurrency = 3;
    const count = 20;
    const started = collect<number>(concurrency);
    const finished = collect<number>(count);
    const goOn = signal();
    let running = 0;
    let most = 0;
    const pump = bridge.pumpTasks({
      entity: TASKS,
      concurrency,
      onMessage: async (message) => {
        running += 1;
        most = Math.max(most, running);
        if (started.all.length < concurrency) {
          started.add(numberOf(message));
          await goOn.promise;
        }
        await new Promise(setImmediate);
        running -= 1;
        if (!finished.all.includes(numberOf(message))) finished.add(numberOf(message));
        return { kind: 'complete' };
      },
    });
    atEnd(() => pump.stop());
    await bridge.publish(Array.from({ length: count }, (_, n) => task(n)));
    await started.done;
    await world.restart();
    // Accepted once the connection is there again; the pump's comes back beside it.
    await bridge.publish([task(0)]);
    goOn.fire();
    await finished.done;
    expect(most).toBe(concurrency);
  });
});
