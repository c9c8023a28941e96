// The laws of a limiter, whatever its processes ask and whatever its clock does.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventJson } from '../../../../src/contract/json.ts';
import type { LimitStatus } from '../../../../src/contract/limits.ts';
import { reduceLimit } from '../../../../src/control/limit/limiter.ts';
import type { Ask, Grant, LimitSettings, Push } from '../../../../src/control/limit/protocol.ts';
import type { LimitState } from '../../../../src/control/limit/state.ts';

const SEED = Number(process.env['QUORATE_TEST_SEED'] ?? Date.now() % 1_000_000);
console.info(`limiter.test: QUORATE_TEST_SEED=${SEED}`);
const MINUTE_MS = 60_000;
const START = 1_700_000_000_000;

const SETTINGS: LimitSettings = { requestsPerMinute: 600, tokensPerMinute: 60_000 };

/** Processes and a limiter whose clock the test moves. */
class World {
  now = START;
  state: LimitState | undefined;
  readonly settings: LimitSettings;
  /** What was granted and not given back: when, and how much. */
  readonly spent: { at: number; requests: number; tokens: number }[] = [];
  pushes: { to: string; push: Push }[] = [];
  readonly #seqs = new Map<string, number>();

  constructor(settings = SETTINGS) {
    this.settings = settings;
  }

  ask(process: string, more: Partial<Ask> = {}): Grant {
    const seq = more.seq ?? (this.#seqs.get(process) ?? 0) + 1;
    this.#seqs.set(process, Math.max(seq, this.#seqs.get(process) ?? 0));
    const ask: Ask = {
      type: 'ask',
      process,
      seq,
      from: { entity: 'replies', sessionId: process, correlationId: 'limit' },
      settings: this.settings,
      revision: 0,
      silenceMs: 30_000,
      want: { requests: 1, tokens: 100 },
      least: 100,
      back: { requests: 0, tokens: 0 },
      debt: 0,
      running: 0,
      ...more,
    };
    const { state, answers } = reduceLimit(this.state, ask as unknown as EventJson, this.now);
    this.state = state;
    let grant: Grant | undefined;
    for (const { to, value } of answers) {
      if ((value as { push?: true }).push === true)
        this.pushes.push({ to: to.sessionId, push: value as unknown as Push });
      else grant = value as unknown as Grant;
    }
    if (grant === undefined) throw new Error('no grant');
    return grant;
  }
}

interface Step {
  readonly process: number;
  readonly afterMs: number;
  readonly want: number;
  /** Tokens a call. */
  readonly each: number;
  /** How much of the lease before was not used. */
  readonly unused: number;
  readonly jumpMs: number;
}

const steps = fc.array(
  fc.record<Step>({
    process: fc.integer({ min: 0, max: 4 }),
    afterMs: fc.integer({ min: 0, max: 700 }),
    want: fc.integer({ min: 0, max: 60 }),
    each: fc.integer({ min: 1, max: 900 }),
    unused: fc.constantFrom(0, 0, 0.3, 1),
    jumpMs: fc.constantFrom(0, 0, 0, 0, 0, -300, -60_000),
  }),
  { minLength: 50, maxLength: 400 },
);

/** Plays the steps; gives when units were spent, at the latest that their lease allows. */
function play(script: readonly Step[], late: number): { at: number; requests: number; tokens: number }[] {
  const world = new World();
  const last = new Map<number, { at: number; requests: number; tokens: number }>();
  const spent: { at: number; requests: number; tokens: number }[] = [];
  let real = 0;
  for (const { process, afterMs, want, each, unused, jumpMs } of script) {
    real += afterMs;
    world.now += afterMs + jumpMs;
    const before = last.get(process);
    const back = { requests: 0, tokens: 0 };
    // A lease is spent by the time of the next ask, or not at all.
    if (before !== undefined) {
      back.requests = Math.floor(before.requests * unused);
      back.tokens = Math.floor(before.tokens * unused);
      const at = Math.min(real, before.at + late);
      spent.push({ at, requests: before.requests - back.requests, tokens: before.tokens - back.tokens });
      last.delete(process);
    }
    const grant = world.ask(`p${process}`, {
      want: { requests: want, tokens: want * each },
      least: each,
      back,
    });
    last.set(process, { at: real, requests: grant.requests, tokens: grant.tokens });
  }
  for (const { at, ...amount } of last.values()) spent.push({ at: at + late, ...amount });
  return spent.toSorted((a, b) => a.at - b.at);
}

function most(spent: readonly { at: number; requests: number; tokens: number }[], of: 'requests' | 'tokens') {
  let [sum, from, highest] = [0, 0, 0];
  for (const unit of spent) {
    sum += unit[of];
    while ((spent[from]?.at ?? 0) <= unit.at - MINUTE_MS) sum -= spent[from++]?.[of] ?? 0;
    highest = Math.max(highest, sum);
  }
  return highest;
}

describe('no minute has more than the rate and 5 percent', () => {
  it.each([0, 2_000])('of requests and estimated tokens, leases spent %i ms late', (late) => {
    fc.assert(
      fc.property(steps, (script) => {
        const spent = play(script, late);
        expect(most(spent, 'requests')).toBeLessThanOrEqual(600 * 1.05);
        expect(most(spent, 'tokens')).toBeLessThanOrEqual(60_000 * 1.05);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('and nearly all of it is given to those who always ask', () => {
    const world = new World();
    let granted = 0;
    for (let ms = 0; ms < MINUTE_MS; ms += 100) {
      world.now += 100;
      granted += world.ask(`p${(ms / 100) % 7}`, { want: { requests: 8, tokens: 400 }, least: 50 }).requests;
    }
    expect(granted).toBeGreaterThanOrEqual(570);
    expect(granted).toBeLessThanOrEqual(600);
  });
});

describe('the clock', () => {
  it('gives a burst and no more when it jumps ahead, and nothing when it is set back', () => {
    const world = new World();
    const all = { want: { requests: 10_000, tokens: 10_000 }, least: 1 };
    const burst = world.ask('a', all).requests;
    expect(burst).toBe(9);
    world.now += 3_600_000;
    expect(world.ask('a', all).requests).toBe(burst);
    world.now -= 3_600_000;
    expect(world.ask('a', all).requests).toBe(0);
    world.now += 500;
    const half = world.ask('a', all).requests;
    expect(half).toBeGreaterThanOrEqual(4);
    expect(half).toBeLessThanOrEqual(6);
  });

  it('of another host, that is a little behind, stands until it has caught up', () => {
    const world = new World();
    const all = { want: { requests: 10_000, tokens: 10_000 }, least: 1 };
    world.ask('a', all);
    for (let time = 0; time < 50; time++) {
      world.now += time % 2 === 0 ? -1_000 : 1_000;
      expect(world.ask('a', all).requests).toBe(0);
    }
  });
});

describe('an ask that is repeated', () => {
  it('gets the same answer and takes nothing; one from before is not answered', () => {
    const world = new World();
    const grant = world.ask('a', { want: { requests: 3, tokens: 300 } });
    const before = world.state;
    expect(world.ask('a', { seq: 1, want: { requests: 50, tokens: 5_000 } })).toEqual(grant);
    expect(world.state).toEqual(before);
    expect(JSON.parse(JSON.stringify(before))).toEqual(before);
    world.ask('a');
    expect(() => world.ask('a', { seq: 1 })).toThrow('no grant');
  });
});

describe('calls at once', () => {
  const settings: LimitSettings = { concurrent: 10 };

  it('are never more than the bound, and who is silent has none', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const world = new World(settings);
        const running = new Map<string, number>();
        for (const { process, afterMs, want } of script) {
          world.now += afterMs;
          const name = `p${process}`;
          const now = Math.floor((running.get(name) ?? 0) / 2);
          const { permits = -1 } = world.ask(name, {
            want: { requests: want, tokens: 0 },
            least: 0,
            running: now,
          });
          running.set(name, Math.max(now, permits));
          const all = [...running.values()].reduce((sum, one) => sum + one, 0);
          expect(all).toBeLessThanOrEqual(10);
        }
        world.now += 31_000;
        expect(world.ask('other', { want: { requests: 99, tokens: 0 }, least: 0 }).permits).toBe(10);
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it('that end are told to those who wait', () => {
    const world = new World(settings);
    world.ask('a', { want: { requests: 10, tokens: 0 }, least: 0 });
    expect(world.ask('b', { want: { requests: 1, tokens: 0 }, least: 0 })).toMatchObject({
      requests: 0,
      permits: 0,
    });
    world.ask('a', { want: { requests: 0, tokens: 0 }, running: 9 });
    expect(world.pushes).toEqual([{ to: 'b', push: { push: true, again: true } }]);
    expect(world.ask('b', { want: { requests: 5, tokens: 0 }, least: 0 })).toMatchObject({ permits: 1 });
  });
});

describe('what was used', () => {
  it('beyond its estimate is paid before anything else is granted', () => {
    const world = new World({ tokensPerMinute: 60_000 });
    world.ask('a', { want: { requests: 1, tokens: 100 } });
    const grant = world.ask('a', { debt: 10_000, want: { requests: 1, tokens: 100 } });
    expect(grant.requests).toBe(0);
    expect(grant.waitMs).toBeGreaterThan(9_000);
    world.now += grant.waitMs;
    expect(world.ask('a').tokens).toBeGreaterThanOrEqual(100);
  });

  it('by one call that is larger than a second of the rate is granted alone, and waited for', () => {
    const world = new World({ tokensPerMinute: 60_000 });
    const large = { want: { requests: 4, tokens: 80_000 }, least: 20_000 };
    expect(world.ask('a', large)).toMatchObject({ requests: expect.any(Number), tokens: 20_000 });
    const next = world.ask('a', large);
    expect(next.requests).toBe(0);
    world.now += next.waitMs;
    expect(world.ask('a', large).tokens).toBe(20_000);
  });
});

describe('a process that has waited', () => {
  it('for a second is served before those who ask more often', () => {
    const world = new World({ requestsPerMinute: 60 });
    world.ask('a');
    world.ask('b');
    const got = { a: 0, b: 0 };
    for (let ms = 0; ms < 20_000; ms += 100) {
      world.now += 100;
      got.a += world.ask('a', { want: { requests: 8, tokens: 800 } }).requests;
      if (ms % 900 === 0) got.b += world.ask('b').requests;
    }
    expect(got.b).toBeGreaterThanOrEqual(5);
    expect(got.a + got.b).toBeGreaterThanOrEqual(18);
  });
});

describe('a provider that says it is too much', () => {
  it('to one process is heard by all, for as long as it asked', () => {
    const world = new World();
    world.ask('b');
    const seen = { good: 0, goodMs: 0, throttled: 1, failed: 0, waitMs: 7_000 };
    const grant = world.ask('a', { want: { requests: 0, tokens: 0 }, seen });
    expect(grant.pausedMs).toBe(7_000);
    expect(world.pushes).toEqual([{ to: 'b', push: { push: true, pausedMs: 7_000 } }]);
    expect(world.ask('b')).toMatchObject({ requests: 0, pausedMs: 7_000, waitMs: 7_000 });
    world.now += 7_000;
    expect(world.ask('b').requests).toBe(1);
  });

  it('lowers the rate once a window, and it is back within minutes', () => {
    const world = new World();
    const rate = (): number => {
      let sum = 0;
      for (let ms = 0; ms < 10_000; ms += 250) {
        world.now += 250;
        const seen = { good: 3, goodMs: 300, throttled: 0, failed: 0 };
        sum += world.ask('a', { want: { requests: 50, tokens: 50 }, least: 1, seen }).requests;
      }
      return sum;
    };
    world.ask('a');
    for (let burst = 0; burst < 30; burst++) {
      const seen = { good: 0, goodMs: 0, throttled: 1, failed: 0, waitMs: 10 };
      world.ask('a', { seen });
      world.now += 20;
    }
    const low = rate();
    expect(low).toBeGreaterThan(50);
    expect(low).toBeLessThan(75);
    for (let more = 0; more < 6; more++) rate();
    expect(rate()).toBeGreaterThanOrEqual(95);
  });
});

it('processes that are gone are forgotten, and there are never too many', () => {
  const world = new World();
  for (let at = 0; at < 700; at++) world.ask(`p${at}`);
  expect(Object.keys(world.state?.processes ?? {})).toHaveLength(500);
  world.now += 30_001;
  world.ask('last');
  expect(Object.keys(world.state?.processes ?? {})).toEqual(['last']);
});

describe('people', () => {
  const from = { entity: 'replies', sessionId: 'client', correlationId: 'c' };
  const order = (world: World, id: string, more: object): { view: LimitStatus; told: readonly string[] } => {
    const { state, answers } = reduceLimit(world.state, { type: 'order', id, from, ...more }, world.now);
    world.state = state;
    return {
      view: answers[0]?.value as unknown as LimitStatus,
      told: answers.slice(1).map(({ to }) => to.sessionId),
    };
  };

  it('see how it is', () => {
    const world = new World();
    world.ask('a');
    expect(order(world, '1', {}).view).toEqual({
      settings: SETTINGS,
      revision: 0,
      stopped: false,
      pausedMs: 0,
      breaker: 'closed',
      used: 1,
      processes: 1,
    });
  });

  it('count over a configuration, of which with one revision that of the process counts which began last', () => {
    const world = new World();
    world.ask('a', { begunAt: 1_000 });
    const other = { requestsPerMinute: 77 };
    expect(world.ask('b', { settings: other, begunAt: 2_000 })).toMatchObject({
      settings: other,
      revision: 0,
    });
    // Those that are still there with the former one change nothing, whenever they ask.
    for (const [process, begunAt] of [
      ['a', 1_000],
      ['late', 1_500],
      ['former build', undefined],
    ] as const)
      expect(world.ask(process, begunAt === undefined ? {} : { begunAt }).settings).toEqual(other);
    order(world, '1', { settings: { requestsPerMinute: 60 } });
    expect(world.ask('c', { settings: { requestsPerMinute: 500 }, begunAt: 3_000 })).toMatchObject({
      settings: { requestsPerMinute: 60 },
      revision: 1,
    });
  });

  it('are carried out once, also where another one came before the repeat', () => {
    const world = new World();
    world.ask('a');
    order(world, '1', { settings: { requestsPerMinute: 60 } });
    order(world, '2', { settings: { requestsPerMinute: 90 }, stop: true });
    const { view, told } = order(world, '1', { settings: { requestsPerMinute: 60 } });
    expect([view.settings, view.revision, told]).toEqual([{ ...SETTINGS, requestsPerMinute: 90 }, 2, []]);
  });

  it('change what counts, for all, once, until a configuration has a higher revision', () => {
    const world = new World();
    world.ask('a');
    const change = { settings: { requestsPerMinute: 60 } };
    const { view, told } = order(world, '1', change);
    expect(view).toMatchObject({ settings: { ...SETTINGS, requestsPerMinute: 60 }, revision: 1 });
    expect(told).toEqual(['a']);
    expect(order(world, '1', change)).toMatchObject({ view: { revision: 1 }, told: [] });
    expect(world.ask('b', { revision: 1 }).settings).toMatchObject({ requestsPerMinute: 60 });
    expect(order(world, '2', { settings: { concurrent: 3 } }).view).toMatchObject({
      settings: { requestsPerMinute: 60, tokensPerMinute: 60_000, concurrent: 3 },
      revision: 2,
    });
    const grant = world.ask('b', { revision: 3, settings: { requestsPerMinute: 500 } });
    expect(grant).toMatchObject({ settings: { requestsPerMinute: 500 }, revision: 3 });
    expect(grant.settings).not.toHaveProperty('concurrent');
  });

  it('stop it, and let it continue', () => {
    const world = new World();
    world.ask('a');
    expect(order(world, '1', { stop: true })).toMatchObject({ view: { stopped: true }, told: ['a'] });
    expect(world.ask('a')).toMatchObject({ requests: 0, pausedMs: 30_000 });
    world.now += 3_600_000;
    expect(world.ask('a').requests).toBe(0);
    expect(order(world, '2', { stop: false })).toMatchObject({ view: { stopped: false, pausedMs: 0 } });
    expect(world.ask('a').requests).toBe(1);
  });

  it('order before anybody has asked', () => {
    const world = new World();
    expect(order(world, '1', { settings: { requestsPerMinute: 60 } }).view.revision).toBe(1);
    expect(world.ask('a').settings).toEqual({ ...SETTINGS, requestsPerMinute: 60 });
  });
});

it('what is no ask changes nothing', () => {
  const { state } = reduceLimit(undefined, { type: 'x' }, START);
  const bad = [
    { type: 'ask' },
    { type: 'ask', process: 'a', seq: 1, from: { entity: 'agent.x', sessionId: 's', correlationId: 'c' } },
    { type: 'ask', process: 'a', seq: Number.NaN },
    { type: 'order', id: 'x', from: { entity: 'replies', sessionId: '', correlationId: 'c' } },
    {
      type: 'order',
      id: 'x',
      from: { entity: 'replies', sessionId: 's', correlationId: 'c' },
      settings: { requestsPerMinute: -1 },
    },
  ];
  for (const event of bad) expect(reduceLimit(state, event as never, START)).toEqual({ state, answers: [] });
});
