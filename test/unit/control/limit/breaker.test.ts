// A breaker, as processes meet it: the limiter is asked, and told what became of calls.
import { describe, expect, it } from 'vitest';
import type { EventJson } from '../../../../src/contract/json.ts';
import { reduceLimit } from '../../../../src/control/limit/limiter.ts';
import type { Ask, Grant, Push, Seen } from '../../../../src/control/limit/protocol.ts';
import type { LimitState } from '../../../../src/control/limit/state.ts';

const START = 1_700_000_000_000;
const NONE: Seen = { good: 0, goodMs: 0, throttled: 0, failed: 0 };
const WANTS = { want: { requests: 10, tokens: 1_000 } };
const REPORTS = { want: { requests: 0, tokens: 0 } };

class World {
  now = START;
  pushes: { to: string; push: Push }[] = [];
  #state: LimitState | undefined;
  readonly #seqs = new Map<string, number>();

  ask(process: string, more: Partial<Ask> = {}): Grant {
    const seq = (this.#seqs.get(process) ?? 0) + 1;
    this.#seqs.set(process, seq);
    const ask: Ask = {
      type: 'ask',
      process,
      seq,
      from: { entity: 'replies', sessionId: process, correlationId: 'limit' },
      settings: { requestsPerMinute: 60_000 },
      revision: 0,
      silenceMs: 30_000,
      ...WANTS,
      least: 100,
      back: { requests: 0, tokens: 0 },
      debt: 0,
      running: 0,
      ...more,
    };
    const { state, answers } = reduceLimit(this.#state, ask as unknown as EventJson, this.now);
    this.#state = JSON.parse(JSON.stringify(state)) as LimitState;
    this.pushes = answers
      .slice(1)
      .map(({ to, value }) => ({ to: to.sessionId, push: value as unknown as Push }));
    return answers[0]?.value as unknown as Grant;
  }

  /** Calls of a process end. */
  saw(process: string, seen: Partial<Seen>): Grant {
    return this.ask(process, { ...REPORTS, seen: { ...NONE, ...seen } });
  }
}

describe('a breaker', () => {
  it('opens when half of the calls fail, and everybody is told', () => {
    const world = new World();
    world.ask('b');
    world.saw('a', { good: 4, failed: 4 });
    expect(world.ask('a').requests).toBeGreaterThan(0);
    const told = world.saw('a', { failed: 1 });
    expect(told).toMatchObject({ open: true, requests: 0 });
    expect(told.pausedMs).toBeGreaterThanOrEqual(8_000);
    expect(told.pausedMs).toBeLessThanOrEqual(12_000);
    expect(world.pushes).toEqual([{ to: 'b', push: { push: true, open: true, pausedMs: told.pausedMs } }]);
    expect(world.ask('b')).toMatchObject({ requests: 0, open: true });
  });

  it('opens after ten failures in a row, however many calls were good before', () => {
    const world = new World();
    world.saw('a', { good: 1_000 });
    expect(world.saw('a', { failed: 9 })).not.toHaveProperty('open');
    expect(world.saw('b', { failed: 1 })).toMatchObject({ open: true });
  });

  it('does not open for what is too fast, for few failures, or for old ones', () => {
    const world = new World();
    for (let nth = 0; nth < 20; nth++) world.saw('a', { throttled: 1, waitMs: 1 });
    world.saw('a', { failed: 4 });
    world.now += 40_000;
    world.saw('a', { failed: 4 });
    world.saw('a', { good: 20, failed: 5 });
    world.now += 10;
    expect(world.ask('a')).not.toHaveProperty('open');
  });

  it('opens at once when an account has no money, and for longer', () => {
    const world = new World();
    expect(world.saw('a', { account: 1 }).pausedMs).toBeGreaterThanOrEqual(48_000);
  });

  it('lets one probe through, whose end closes it for all or opens it for twice as long', () => {
    const world = new World();
    world.ask('b');
    const first = world.saw('a', { failed: 5 }).pausedMs;
    world.now += first;
    expect(world.ask('b')).toMatchObject({ requests: 1, pausedMs: 0 });
    expect(world.ask('a')).toMatchObject({ requests: 0, open: true });
    // A call from before says nothing of now.
    expect(world.saw('a', { good: 3 })).toMatchObject({ open: true });
    const second = world.saw('b', { failed: 1 });
    expect(second).toMatchObject({ open: true });
    expect(second.pausedMs).toBeGreaterThanOrEqual(16_000);
    expect(world.pushes).toMatchObject([{ to: 'a', push: { open: true } }]);
    world.now += second.pausedMs;
    expect(world.ask('a').requests).toBe(1);
    expect(world.saw('a', { good: 1, goodMs: 5 })).not.toHaveProperty('open');
    expect(world.pushes).toEqual([{ to: 'b', push: { push: true, pausedMs: 0, again: true } }]);
    expect(world.ask('b').requests).toBeGreaterThan(1);
  });

  it('gives the probe to another one when it is given back, or nothing is heard of it', () => {
    const world = new World();
    world.ask('b');
    world.now += world.saw('a', { failed: 5 }).pausedMs;
    expect(world.ask('b').requests).toBe(1);
    world.ask('b', { ...REPORTS, back: { requests: 1, tokens: 100 } });
    expect(world.ask('a').requests).toBe(1);
    world.now += 29_000;
    expect(world.ask('b').requests).toBe(0);
    world.now += 31_000;
    expect(world.ask('b').requests).toBe(1);
  });

  it('is open for five minutes at most', () => {
    const world = new World();
    let { pausedMs } = world.saw('a', { failed: 5 });
    for (let times = 0; times < 12; times++) {
      world.now += pausedMs;
      expect(world.ask('a').requests).toBe(1);
      ({ pausedMs } = world.saw('a', { failed: 1 }));
    }
    expect(pausedMs).toBeGreaterThan(200_000);
    expect(pausedMs).toBeLessThanOrEqual(360_000);
  });
});
