// Limits in a process, against a limiter that the test speaks for.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LimitCounters } from '../../../../../src/actors/agents/limit/limit-client.ts';
import { createLimits, type Limit } from '../../../../../src/actors/agents/limit/limits.ts';
import { defaultTokens, TaskPermits } from '../../../../../src/actors/agents/limit/task-limit.ts';
import type { LimitConfig } from '../../../../../src/contract/config.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import { SILENT } from '../../../../../src/contract/ports.ts';
import type { Ask, Grant, Push } from '../../../../../src/control/limit/protocol.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;

class World {
  readonly asks: { name: string; ask: Ask }[] = [];
  readonly lines: string[] = [];
  readonly counters: Record<string, LimitCounters> = {};
  readonly limits;
  readonly #hear = new Map<string, (value: Json) => void>();

  constructor(
    limits: Readonly<Record<string, LimitConfig>>,
    { skips = false, holdsLimits = false, now = (): number => 0 } = {},
  ) {
    const say = (line: string): void => void this.lines.push(line);
    this.limits = createLimits({
      limits,
      process: 'p',
      lockDurationMs: 30_000,
      clock: { now, skips },
      holdsLimits,
      logger: { ...SILENT, info: say, warn: say },
      counters: this.counters,
      mailbox: {
        ask: () => Promise.reject(new Error('not here')),
        tell: async ({ name }, event) => void this.asks.push({ name, ask: event as unknown as Ask }),
        listen: (id, onValue) => {
          this.#hear.set(id.replace('limit:', ''), onValue);
          return { address: { entity: 'replies', sessionId: 'p', correlationId: id }, release: () => {} };
        },
        close: async () => {},
      },
    });
  }

  of(name: string): Limit {
    const limit = this.limits.of(name);
    if (limit === undefined) throw new Error(`no limit ${name}`);
    return limit;
  }

  grant(name: string, more: Partial<Grant>): void {
    const { ask } = this.asks.findLast((one) => one.name === name) ?? {};
    const { seq = 0, settings = {}, revision = 0 } = ask ?? {};
    const none = { requests: 0, tokens: 0, ttlMs: 2_000, waitMs: 500, pausedMs: 0 };
    this.#hear.get(name)?.({ seq, settings, revision, ...none, ...more } as unknown as Json);
  }

  push(name: string, push: Omit<Push, 'push'>): void {
    this.#hear.get(name)?.({ push: true, ...push });
  }
}

const RATE = { requestsPerMinute: 60 };
const ROOM = { requests: 5, tokens: 5_000, waitMs: 0 };

describe('a limit', () => {
  it('lets through what its lease has, and asks when there is none', async () => {
    const world = new World({ x: RATE });
    const limit = world.of('x');
    const first = limit.acquire(100);
    expect(world.asks.map(({ ask }) => ask.want)).toEqual([{ requests: 1, tokens: 100 }]);
    world.grant('x', { requests: 2, tokens: 250, waitMs: 0 });
    expect(await first).toMatchObject({ kind: 'granted', permit: { limit: 'x', tokens: 100 } });
    expect(await limit.acquire(100)).toMatchObject({ kind: 'granted' });
    expect(world.asks).toHaveLength(1);
    expect(limit.ready(0, never)).toBeInstanceOf(Promise);
    expect(world.asks).toHaveLength(2);
    // What it has left it keeps.
    expect(world.asks[1]?.ask).toMatchObject({ back: { requests: 0, tokens: 0 }, least: 50 });
  });

  it('puts off what does not fit for a second, as long as the limiter says, and holds nothing', async () => {
    const world = new World({ x: RATE });
    const put = world.of('x').acquire(10);
    world.grant('x', { waitMs: 7_000 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await put).toEqual({ kind: 'later', waitMs: 6_000 });
    expect(world.counters['x']).toMatchObject({ granted: 0, putOff: 1 });
  });

  it('gives credit for a further task only when there is room for it beside those on their way', async () => {
    const world = new World({ x: RATE });
    const limit = world.of('x');
    const first = limit.acquire(10);
    world.grant('x', { requests: 2, tokens: 100 });
    await first;
    expect(limit.ready(0, never)).toBeUndefined();
    const wait = limit.ready(1, never);
    expect(wait).toBeInstanceOf(Promise);
    world.grant('x', ROOM);
    world.push('x', { again: true });
    await limit.acquire(10);
    await vi.advanceTimersByTimeAsync(2_000);
    world.grant('x', ROOM);
    await wait;
  });

  it('asks again, under the same number, until it is answered, and says when that takes long', async () => {
    const world = new World({ x: RATE });
    void world.of('x').acquire(10);
    void world.of('x').ready(0, never);
    await vi.advanceTimersByTimeAsync(12_500);
    expect(world.asks.length).toBeGreaterThan(10);
    expect(new Set(world.asks.map(({ ask }) => ask.seq))).toEqual(new Set([1]));
    expect(world.lines).toEqual([expect.stringMatching(/limiter of 'x' has not answered for 10 s/)]);
    world.grant('x', ROOM);
    expect(world.lines.at(-1)).toMatch(/answers again/);
  });

  it('says when others settings count than it is configured with', () => {
    const world = new World({ x: RATE });
    void world.of('x').acquire(10);
    world.grant('x', { ...ROOM, settings: { requestsPerMinute: 1_500 }, revision: 3 });
    void world.of('x').acquire(5_000);
    // Of the same revision too: it was configured otherwise there.
    world.grant('x', { ...ROOM, settings: { requestsPerMinute: 200 }, revision: 3 });
    void world.of('x').acquire(5_000);
    world.grant('x', { ...ROOM, settings: { requestsPerMinute: 200 }, revision: 3 });
    expect(world.lines).toEqual([
      "limit 'x' is 1,500 requests a minute now, revision 3",
      "limit 'x' is 200 requests a minute now, revision 3",
    ]);
  });

  it('is always open where time is virtual', async () => {
    const world = new World({ x: RATE }, { skips: true });
    for (let nth = 0; nth < 100; nth++)
      expect(await world.of('x').acquire(1e9)).toMatchObject({ kind: 'granted' });
    expect(world.of('x').ready(50, never)).toBeUndefined();
    expect(world.asks).toEqual([]);
  });
});

describe('an open breaker', () => {
  const OPEN = { open: true, pausedMs: 9_000 } as const;

  it('is waited for, or fails what comes at once', async () => {
    const world = new World({ waits: RATE, fails: { ...RATE, onOpen: 'fail' } });
    const [waits, fails] = [world.of('waits'), world.of('fails')];
    const both = [waits.acquire(1), fails.acquire(1)];
    world.grant('waits', OPEN);
    world.grant('fails', OPEN);
    expect(await both[1]).toEqual({ kind: 'closed', why: 'open', waitMs: 9_000 });
    expect(fails.ready(0, never)).toBeUndefined();
    expect(waits.ready(0, never)).toBeInstanceOf(Promise);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await both[0]).toEqual({ kind: 'later', waitMs: 8_000 });
    expect(world.lines.filter((line) => /breaker of limit '\w+' has opened/.test(line))).toHaveLength(2);
    world.push('fails', { pausedMs: 0, again: true });
    expect(world.lines.at(-1)).toMatch(/breaker of limit 'fails' has closed/);
    const again = fails.acquire(1);
    world.grant('fails', ROOM);
    expect(await again).toMatchObject({ kind: 'granted' });
  });

  it('or a long pause sends calls to the fallback, and back when it is over', async () => {
    const world = new World({ east: { ...RATE, fallback: 'west' }, west: RATE });
    const limit = world.of('east');
    const first = limit.acquire(1);
    world.grant('east', OPEN);
    await vi.advanceTimersByTimeAsync(0);
    world.grant('west', ROOM);
    expect(await first).toMatchObject({ kind: 'granted', permit: { limit: 'west' } });
    expect(limit.ready(0, never)).toBeUndefined();
    world.push('east', { pausedMs: 0, again: true });
    const second = limit.acquire(1);
    await vi.advanceTimersByTimeAsync(500);
    world.grant('east', ROOM);
    expect(await second).toMatchObject({ kind: 'granted', permit: { limit: 'east' } });
    world.push('east', { pausedMs: 30_000 });
    expect(await limit.acquire(1)).toMatchObject({ permit: { limit: 'west' } });
  });
});

describe('what a task was let through with', () => {
  const granted = async (world: World, tokens: number) => {
    const acquired = world.of('x').acquire(tokens);
    world.grant('x', { requests: 10, tokens: 10_000 });
    const got = await acquired;
    if (got.kind !== 'granted') throw new Error('not granted');
    return new TaskPermits(world.of('x'), got.permit);
  };
  /** The next ask that says what was seen. */
  const told = async (world: World): Promise<Ask | undefined> => {
    await vi.advanceTimersByTimeAsync(3_000);
    return world.asks.at(-1)?.ask;
  };

  it('is its first call; a further one is let through by itself, and each pays for what it took', async () => {
    const world = new World({ x: RATE });
    const permits = await granted(world, 100);
    await permits.reserve(100, never);
    const settled = await permits.reserve(200, never);
    expect(world.counters['x']).toMatchObject({ granted: 2 });
    settled(500);
    permits.end({ kind: 'done' }, 150 + 500);
    permits.end({ kind: 'cancelled' }, 9_999);
    expect(await told(world)).toMatchObject({ debt: 350, running: 0 });
  });

  it.each([
    [
      { kind: 'throttled', retryAfterMs: 700 },
      { throttled: 1, waitMs: 700 },
    ],
    [{ kind: 'overloaded' }, { failed: 1 }],
    [
      { kind: 'transient', retryAfterMs: 50 },
      { failed: 1, waitMs: 50 },
    ],
    [{ kind: 'unknown' }, { failed: 1 }],
    [{ kind: 'account' }, { account: 1 }],
  ])('tells the limiter of %j', async (failure, seen) => {
    const world = new World({ x: RATE });
    const permits = await granted(world, 1);
    permits.end({ kind: 'failed', error: { code: 'E', message: 'e', data: { failure } } }, undefined);
    expect((await told(world))?.seen).toMatchObject(seen);
  });

  it('and what says nothing of the other side is not told', async () => {
    const world = new World({ x: RATE });
    const permits = await granted(world, 1);
    const failure = { kind: 'permanent' };
    permits.end({ kind: 'failed', error: { code: 'E', message: 'e', data: { failure } } }, undefined);
    expect((await told(world))?.seen).toBeUndefined();
  });
});

it('a call of which nothing is known is taken to be its input and a usual answer', () => {
  expect(defaultTokens('x'.repeat(398))).toBe(1_100);
});

describe('a limit that holds in virtual time', () => {
  const setUp = (config: LimitConfig = RATE) => {
    const time = { now: 1_000 };
    const world = new World({ x: config }, { skips: true, holdsLimits: true, now: () => time.now });
    return { world, time, limit: world.of('x') };
  };

  it('puts off at the answer what does not fit, until then by the virtual time, and waits for no timer', async () => {
    const { world, time, limit } = setUp();
    expect(limit.ready(50, never)).toBeUndefined();
    const [first, second] = [limit.acquire(10), limit.acquire(10)];
    world.grant('x', { requests: 1, tokens: 100, waitMs: 0 });
    expect(await first).toMatchObject({ kind: 'granted' });
    world.grant('x', { waitMs: 4_000 });
    expect(await second).toEqual({ kind: 'later', waitMs: 4_000 });
    expect(vi.getTimerCount()).toBe(0);
    // Nothing is asked before it can be answered otherwise.
    expect(await limit.acquire(10)).toEqual({ kind: 'later', waitMs: 4_000 });
    time.now += 4_000;
    const third = limit.acquire(10);
    world.grant('x', ROOM);
    expect(await third).toMatchObject({ kind: 'granted' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('tells at once what it saw, with durations that no machine changes', async () => {
    const { world, limit } = setUp({ concurrent: 2 });
    const waits = limit.acquire(10);
    world.grant('x', { ...ROOM, permits: 1 });
    const acquired = await waits;
    if (acquired.kind !== 'granted') throw new Error(acquired.kind);
    // It has told that it runs one call.
    world.grant('x', { permits: 1 });
    const permits = new TaskPermits(limit, acquired.permit);
    await vi.advanceTimersByTimeAsync(700);
    const error = { code: 'TASK_FAILED', message: 'full', data: { failure: { kind: 'overloaded' } } };
    permits.end({ kind: 'failed', error }, undefined);
    expect(world.asks.at(-1)?.ask).toMatchObject({ running: 0, seen: { failed: 1, goodMs: 0 } });
  });

  it('lets a further call of an attempt through, whose tokens are a debt', async () => {
    const { world, limit } = setUp({ tokensPerMinute: 60_000 });
    const waits = limit.acquire(10);
    world.grant('x', { requests: 1, tokens: 10, waitMs: 0 });
    const acquired = await waits;
    if (acquired.kind !== 'granted') throw new Error(acquired.kind);
    const permits = new TaskPermits(limit, acquired.permit);
    (await permits.reserve(10, never))(10);
    (await permits.reserve(500, never))(480);
    permits.end({ kind: 'done' }, 490);
    world.grant('x', {});
    void limit.acquire(10);
    const debts = world.asks.map(({ ask }) => ask.debt);
    expect(debts.reduce((sum, debt) => sum + debt, 0)).toBe(480);
  });
});
