// Several processes and their limiter together, over a bus that is late and loses messages, in simulated time.
import { describe, expect, it } from 'vitest';
import type { EventJson } from '../../../../src/contract/json.ts';
import { type Demand, type Ended, Lease } from '../../../../src/control/limit/lease.ts';
import { reduceLimit } from '../../../../src/control/limit/limiter.ts';
import type { Ask, Grant, LimitSettings, Push } from '../../../../src/control/limit/protocol.ts';
import type { LimitState } from '../../../../src/control/limit/state.ts';
import { createRandom } from '../../../kit/random.ts';

const TICK_MS = 20;
const START = 1_700_000_000_000;
const random = createRandom();

interface Options {
  readonly settings: LimitSettings;
  readonly processes: number;
  /** Calls that always wait, in each process. */
  readonly backlog?: number;
  readonly callMs?: number;
  readonly tokens?: () => number;
  /** Of a hundred messages so many are lost. */
  readonly lost?: number;
  readonly slots?: number;
  /** A message takes up to so long. */
  readonly lateMs?: number;
}

class Simulation {
  ms = 0;
  readonly begun: { at: number; tokens: number; process: number }[] = [];
  asks = 0;
  openedAt: number | undefined;
  /** Nobody hosts the limiter. */
  isAway = false;
  backlog: number;
  highest = 0;
  readonly leases: Lease[];
  readonly #options: Required<Options>;
  #state: LimitState | undefined;
  #running: { process: number; endsAt: number }[] = [];
  #bus: { at: number; deliver: () => void }[] = [];

  constructor(options: Options) {
    this.#options = {
      backlog: 20,
      callMs: 300,
      tokens: () => 10,
      lost: 0,
      slots: 50,
      lateMs: 60,
      ...options,
    };
    this.backlog = this.#options.backlog;
    this.leases = Array.from({ length: this.#options.processes }, (_, at) => {
      const from = { entity: 'replies', sessionId: `${at}`, correlationId: 'l' };
      const { settings } = this.#options;
      // Each process has a clock of its own.
      return new Lease({ process: `p${at}`, from, settings, revision: 0, silenceMs: 30_000 });
    });
  }

  run(forMs: number, how: () => Ended = () => ({ kind: 'good', ms: this.#options.callMs })): void {
    for (const end = this.ms + forMs; this.ms < end; this.ms += TICK_MS) {
      const due = this.#bus.filter(({ at }) => at <= this.ms);
      this.#bus = this.#bus.filter(({ at }) => at > this.ms);
      for (const { deliver } of due) deliver();
      const over = this.#running.filter(({ endsAt }) => endsAt <= this.ms);
      this.#running = this.#running.filter(({ endsAt }) => endsAt > this.ms);
      for (const { process } of over) this.leases[process]?.ended(this.#now(process), how());
      for (const [process, lease] of this.leases.entries()) this.#act(process, lease);
      this.highest = Math.max(this.highest, this.#running.length);
    }
  }

  /** When any of them would do something by itself. */
  wakes(): (number | undefined)[] {
    return this.leases.map((lease, process) => lease.lookAt(this.#now(process), { count: 0 }));
  }

  most(of: 'calls' | 'tokens'): number {
    let [sum, from, highest] = [0, 0, 0];
    for (const { at, tokens } of this.begun) {
      sum += of === 'calls' ? 1 : tokens;
      for (
        let first = this.begun[from];
        first !== undefined && first.at <= at - 60_000;
        first = this.begun[from]
      ) {
        sum -= of === 'calls' ? 1 : first.tokens;
        from += 1;
      }
      highest = Math.max(highest, sum);
    }
    return highest;
  }

  #now(process: number): number {
    return this.ms + process * 1_000_000;
  }

  #act(process: number, lease: Lease): void {
    const now = this.#now(process);
    const { slots, tokens, callMs } = this.#options;
    const own = (): number => this.#running.filter((one) => one.process === process).length;
    let next = tokens();
    for (let waits = this.backlog; waits > 0 && own() < slots && lease.begin(now, next); waits--) {
      this.begun.push({ at: this.ms, tokens: next, process });
      this.#running.push({ process, endsAt: this.ms + callMs });
      next = tokens();
    }
    const count = own() < slots ? Math.min(this.backlog, 2) : 0;
    const demand: Demand = count === 0 ? { count } : { count, first: next };
    const ask = lease.ask(now, demand);
    if (ask !== undefined) this.#send(() => this.#hear(ask));
  }

  #hear(ask: Ask): void {
    if (this.isAway) return;
    this.asks += 1;
    const { state, answers } = reduceLimit(this.#state, ask as unknown as EventJson, START + this.ms);
    this.#state = state;
    if (state.breaker.open !== undefined) this.openedAt ??= this.ms;
    for (const { to, value } of answers) {
      const process = Number(to.sessionId);
      this.#send(() => {
        const lease = this.leases[process];
        if ((value as { push?: true }).push === true)
          lease?.pushed(this.#now(process), value as unknown as Push);
        else lease?.answered(this.#now(process), value as unknown as Grant);
      });
    }
  }

  #send(deliver: () => void): void {
    if (random.below(100) < this.#options.lost) return;
    this.#bus.push({ at: this.ms + 5 + random.below(this.#options.lateMs), deliver });
  }
}

const failed = (error: unknown): Error => new Error(`QUORATE_TEST_SEED=${random.seed}`, { cause: error });

describe('processes that always have work', () => {
  it.each([
    [1, 600],
    [4, 600],
    [10, 600],
    [10, 60],
    [3, 6_000],
  ])(
    '%i of them make nearly all of %i requests a minute and no more, evenly',
    (processes, requestsPerMinute) => {
      const simulation = new Simulation({ settings: { requestsPerMinute }, processes });
      simulation.run(130_000);
      try {
        expect(simulation.most('calls')).toBeLessThanOrEqual(requestsPerMinute * 1.02);
        const last = simulation.begun.filter(({ at }) => at >= 70_000);
        expect(last.length).toBeGreaterThanOrEqual(requestsPerMinute * 0.95);
        const each = simulation.leases.map((_, at) => last.filter(({ process }) => process === at).length);
        if (requestsPerMinute / processes > 30)
          expect(Math.min(...each)).toBeGreaterThan(Math.max(...each) / 2);
      } catch (error) {
        throw failed(error);
      }
    },
  );

  it('whose calls take many or few tokens make nearly all of them', () => {
    const tokens = (): number => 50 + random.below(400);
    const simulation = new Simulation({
      settings: { tokensPerMinute: 60_000, requestsPerMinute: 6_000 },
      processes: 4,
      tokens,
    });
    simulation.run(120_000);
    try {
      expect(simulation.most('tokens')).toBeLessThanOrEqual(60_000 * 1.05);
      expect(simulation.begun.reduce((sum, one) => sum + one.tokens, 0)).toBeGreaterThanOrEqual(
        120_000 * 0.93,
      );
    } catch (error) {
      throw failed(error);
    }
  });

  it.each([200, 500])('make nearly all of it over a bus that takes up to %i ms a message', (lateMs) => {
    const settings = { requestsPerMinute: 2_400, tokensPerMinute: 800_000 };
    const simulation = new Simulation({ settings, processes: 4, tokens: () => 310, lateMs });
    simulation.run(125_000);
    try {
      expect(simulation.most('calls')).toBeLessThanOrEqual(2_400 * 1.05);
      const last = simulation.begun.filter(({ at }) => at >= 65_000);
      expect(last.length).toBeGreaterThanOrEqual(2_400 * 0.93);
    } catch (error) {
      throw failed(error);
    }
  });

  it('keep to it over a bus that loses every tenth message', () => {
    const simulation = new Simulation({ settings: { requestsPerMinute: 600 }, processes: 5, lost: 10 });
    simulation.run(120_000);
    try {
      expect(simulation.most('calls')).toBeLessThanOrEqual(600 * 1.05);
      expect(simulation.begun.length).toBeGreaterThanOrEqual(1_200 * 0.75);
    } catch (error) {
      throw failed(error);
    }
  });

  it('share calls at once, and use all of them', () => {
    const simulation = new Simulation({ settings: { concurrent: 8 }, processes: 4, callMs: 500 });
    simulation.run(60_000);
    try {
      expect(simulation.highest).toBe(8);
      // 8 places, two calls a second each.
      expect(simulation.begun.length).toBeGreaterThanOrEqual(960 * 0.8);
    } catch (error) {
      throw failed(error);
    }
  });
});

describe('a limiter that is away', () => {
  it('is waited for: leases end within two seconds, and nothing is made up afterwards', () => {
    const simulation = new Simulation({ settings: { requestsPerMinute: 600 }, processes: 3 });
    simulation.run(20_000);
    simulation.isAway = true;
    const awayAt = simulation.ms;
    simulation.run(30_000);
    expect(simulation.begun.filter(({ at }) => at > awayAt + 2_100)).toEqual([]);
    simulation.isAway = false;
    const backAt = simulation.ms;
    simulation.run(30_000);
    const after = simulation.begun.filter(({ at }) => at >= backAt).length;
    expect(after).toBeGreaterThanOrEqual(270);
    expect(after).toBeLessThanOrEqual(315);
  });
});

describe('calls that fail', () => {
  it('are stopped: few begin when the breaker has opened, one after it, and all when that is good', () => {
    const settings = { requestsPerMinute: 6_000 };
    const simulation = new Simulation({ settings, processes: 4, callMs: 60 });
    simulation.run(3_000);
    simulation.run(30_000, () => ({ kind: 'failed' }));
    const { openedAt = Number.NaN } = simulation;
    const after = simulation.begun.filter(({ at }) => at > openedAt);
    try {
      expect(openedAt).toBeLessThan(4_500);
      // Told within 65 ms, and a lease may be on its way; later the probes.
      expect(after.filter(({ at }) => at <= openedAt + 7_900).length).toBeLessThanOrEqual(9);
      expect(after.filter(({ at }) => at > openedAt + 7_900).length).toBeLessThanOrEqual(2);
    } catch (error) {
      throw failed(error);
    }
    const before = simulation.begun.length;
    simulation.run(90_000);
    expect(simulation.begun.length - before).toBeGreaterThan(500);
  });
});

describe('a process', () => {
  it('that has nothing to do says nothing, and its places are free for others', () => {
    const simulation = new Simulation({ settings: { requestsPerMinute: 600, concurrent: 5 }, processes: 2 });
    simulation.run(3_000);
    simulation.backlog = 0;
    simulation.run(5_000);
    const { asks } = simulation;
    simulation.run(120_000);
    expect(simulation.asks).toBe(asks);
    expect(simulation.wakes()).toEqual([undefined, undefined]);
    simulation.backlog = 20;
    simulation.run(3_000);
    expect(simulation.highest).toBe(5);
  });

  it('that is told to wait begins nothing meanwhile, and neither do the others', () => {
    const simulation = new Simulation({ settings: { requestsPerMinute: 6_000 }, processes: 3 });
    simulation.run(2_000);
    let isFirst = true;
    let saidAt = 0;
    simulation.run(15_000, () => {
      if (!isFirst) return { kind: 'good', ms: 300 };
      isFirst = false;
      saidAt = simulation.ms;
      return { kind: 'throttled', waitMs: 10_000 };
    });
    const after = simulation.begun.filter(({ at }) => at > saidAt + 250 && at < saidAt + 9_900);
    expect(after).toEqual([]);
    expect(simulation.begun.some(({ at }) => at > saidAt + 10_000)).toBe(true);
  });

  it('asks few times a second, however much it wants', () => {
    const simulation = new Simulation({ settings: { requestsPerMinute: 600 }, processes: 10 });
    simulation.run(30_000);
    expect(simulation.asks / 10 / 30).toBeLessThan(4.5);
  });
});
