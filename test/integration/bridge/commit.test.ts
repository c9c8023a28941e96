// I1 on a bad network: a commit whose outcome is unknown is never repeated, and only the state itself tells.
import { describe, expect, it } from 'vitest';
import type { Bridge, HeldSession } from '../../../src/contract/ports.ts';
import { ACTORS, atEnd, pumpDefaults, signal, startWorld, statusOf, toSession, type World } from './kit.ts';
import { type Proxy, startProxy } from './proxy.ts';

const WRITE = 'com.microsoft:set-session-state';
const RENEW = 'com.microsoft:renew-session-lock';

interface Distant {
  readonly world: World;
  readonly proxy: Proxy;
  /** Reaches the broker through the proxy. */
  readonly far: Bridge;
}

async function startDistant(lockDurationMs?: number): Promise<Distant> {
  const world = await startWorld(lockDurationMs === undefined ? {} : { lockDurationMs });
  const { connectionString, port } = world.broker;
  const proxy = await startProxy(port);
  atEnd(() => proxy.close());
  const through = connectionString.replace(`:${port}`, `:${proxy.port}`);
  const far = await world.connect({ connection: { kind: 'connectionString', connectionString: through } });
  return { world, proxy, far };
}

/** Hands each hold to the next of these, in order. */
function inTurn(
  ...holds: ((session: HeldSession) => Promise<void>)[]
): (session: HeldSession) => Promise<void> {
  return async (session) => holds.shift()?.(session);
}

describe('a commit', () => {
  it('that is refused for its size has changed nothing, and its lock holds', async () => {
    const { bridge } = await startWorld();
    const seen = signal<unknown>();
    await bridge.publish([toSession('s', 1)]);
    const pump = bridge.pumpSessions({
      ...pumpDefaults,
      onSession: inTurn(async (session) => {
        await session.take({ max: 1, idleMs: 1_000 });
        const outcomes = [
          await session.commit({ turn: 1 }),
          await session.commit('x'.repeat(256 * 1024)),
          await session.commit('x'.repeat(400 * 1024)),
        ];
        const state = await session.readState();
        outcomes.push(await session.commit({ turn: 2 }));
        seen.fire({ outcomes, state });
      }),
    });
    expect(await seen.promise).toEqual({
      outcomes: ['committed', 'refused', 'refused', 'committed'],
      state: { kind: 'state', state: { turn: 1 } },
    });
    await pump.stop();
  });

  it('whose answer is lost is lost for the writer and there for the next reader', async () => {
    const { world, proxy, far } = await startDistant();
    await world.bridge.publish([toSession('s', 1)]);
    const outcome = signal<string>();
    const reread = signal<unknown>();
    const pump = far.pumpSessions({
      ...pumpDefaults,
      onSession: inTurn(
        async (session) => {
          await session.readState();
          await session.take({ max: 1, idleMs: 1_000 });
          proxy.onNext(WRITE, () => {
            proxy.silence();
            // Long enough for the broker to write it down.
            setTimeout(() => {
              proxy.cut();
              proxy.speak();
            }, 200);
          });
          outcome.fire(await session.commit({ turn: 1 }));
        },
        async (session) => {
          const taken = await session.take({ max: 1, idleMs: 1_000 });
          reread.fire(await session.readState());
          if (taken.kind !== 'messages') return;
          for (const message of taken.messages) await session.settle(message, { kind: 'complete' });
        },
      ),
    });
    expect(await outcome.promise).toBe('lost');
    expect(await reread.promise).toEqual({ kind: 'state', state: { turn: 1 } });
    await pump.stop();
    expect(proxy.seen(WRITE)).toBe(1);
  });

  it('that did not arrive is not sent again on the next connection', async () => {
    const { world, proxy, far } = await startDistant();
    await world.bridge.publish([toSession('s', 1)]);
    const outcome = signal<string>();
    const reread = signal<unknown>();
    const pump = far.pumpSessions({
      ...pumpDefaults,
      onSession: inTurn(
        async (session) => {
          await session.readState();
          await session.take({ max: 1, idleMs: 1_000 });
          proxy.silence(true);
          proxy.onNext(WRITE, () => {
            proxy.cut();
            proxy.speak();
          });
          outcome.fire(await session.commit({ turn: 'never' }));
        },
        async (session) => {
          const taken = await session.take({ max: 1, idleMs: 1_000 });
          reread.fire(await session.readState());
          if (taken.kind !== 'messages') return;
          for (const message of taken.messages) await session.settle(message, { kind: 'complete' });
        },
      ),
    });
    expect(await outcome.promise).toBe('lost');
    expect(await reread.promise).toEqual({ kind: 'state', state: null });
    await pump.stop();
    expect(proxy.seen(WRITE)).toBe(1);
    expect((await world.broker.counters())['state.writes'] ?? 0).toBe(0);
  });

  it('that was cut before it was sent fails for good: the next connection does not carry it', async () => {
    const { world, proxy, far } = await startDistant();
    await world.bridge.publish([toSession('s', 1)]);
    const outcome = signal<string>();
    const reread = signal<unknown>();
    const pump = far.pumpSessions({
      ...pumpDefaults,
      onSession: inTurn(
        async (session) => {
          await session.take({ max: 1, idleMs: 1_000 });
          // The first request of a connection opens the management link: cut in the middle of that.
          proxy.onNext('$management', () => proxy.cut());
          outcome.fire(await session.commit({ turn: 'never' }));
        },
        async (session) => reread.fire(await session.readState()),
      ),
    });
    expect(await outcome.promise).toBe('lost');
    expect(await reread.promise).toEqual({ kind: 'state', state: null });
    await pump.stop();
    expect(proxy.seen(WRITE)).toBe(0);
  });

  it('is not even sent when no renewal was answered for a whole lease', async () => {
    const { world, proxy, far } = await startDistant(5_000);
    await world.bridge.publish([toSession('s', 1)]);
    const outcomes = signal<string[]>();
    const pump = far.pumpSessions({
      ...pumpDefaults,
      onSession: inTurn(async (session) => {
        await session.readState();
        await session.take({ max: 1, idleMs: 1_000 });
        proxy.silence(true);
        const { kind } = await session.take({ max: 1, idleMs: 60_000 });
        outcomes.fire([kind, await session.commit({ turn: 'never' })]);
      }),
    });
    expect(await outcomes.promise).toEqual(['lost', 'lost']);
    expect(proxy.seen(WRITE)).toBe(0);
    expect(proxy.seen(RENEW)).toBeGreaterThan(1);
    proxy.cut();
    await pump.stop();
    await expect.poll(() => statusOf(world, ACTORS)).toMatchObject({ active: 1, locks: 0 });
  });
});

describe('a cut connection', () => {
  it('does not hold up a send for its time-out: it is sent again, and counted once', async () => {
    const { world, proxy, far } = await startDistant();
    await far.publish([toSession('s', 0)]);
    proxy.silence();
    proxy.onNext('second', () => {
      setTimeout(() => {
        proxy.cut();
        proxy.speak();
      }, 100);
    });
    await far.publish([toSession('s', 1, { body: { text: 'second' } })]);
    expect(proxy.seen('second')).toBe(2);
    expect(await statusOf(world, ACTORS)).toMatchObject({ active: 2 });
  });
});
