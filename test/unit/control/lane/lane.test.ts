// Laws of a lane, on a small world of askers, a queue and processes, in time that is a number: shares follow weights, nobody starves, no
// tenant has more in the queue than twice what runs, a message that is lost or comes twice changes nothing for long.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Priority } from '../../../../src/contract/control.ts';
import type { EventJson } from '../../../../src/contract/json.ts';
import { type LaneState, reduceLane } from '../../../../src/control/lane/lane.ts';
import type { LaneGrant } from '../../../../src/control/lane/protocol.ts';

const STEP_MS = 50;
const REPORT_MS = 150;

interface Asker {
  readonly id: string;
  readonly tenant: string;
  readonly priority: Priority;
  readonly weight: number;
  readonly since: number;
  seq: number;
  demand: number;
  granted: number;
  left: number;
}

interface Task {
  readonly asker: Asker;
  readonly at: number;
}

class World {
  readonly askers: Asker[] = [];
  readonly begun: Task[] = [];
  readonly queue: Task[] = [];
  state: LaneState | undefined;
  now = 1_700_000_000_000;
  mostQueued = 0;
  mostOfTenant = 0;
  wakeAt: number | undefined;
  readonly #running: number[] = [];
  #unreported: Record<string, number> = {};
  #reportedAt = 0;
  #reports = 0;
  #added = 0;
  readonly concurrency: number;
  readonly callMs: number;
  /** What of the lane's answers arrives. */
  readonly lose: () => boolean;
  reporting = true;

  constructor({ concurrency = 4, callMs = 500, lose = (): boolean => false } = {}) {
    this.concurrency = concurrency;
    this.callMs = callMs;
    this.lose = lose;
  }

  add(tenant: string, demand: number, more: { priority?: Priority; weight?: number } = {}): Asker {
    const asker: Asker = {
      id: `${this.#added++}`,
      tenant,
      priority: 'normal',
      weight: 1,
      since: this.now,
      seq: 0,
      demand,
      granted: 0,
      left: 0,
      ...more,
    };
    this.askers.push(asker);
    this.ask(asker);
    return asker;
  }

  wantOf(asker: Asker): EventJson {
    const { id, tenant, priority, weight, demand, granted, since, seq } = asker;
    const to = { entity: 'actor.m', sessionId: id, correlationId: 'lane:a~1' };
    const { concurrency } = this;
    return {
      type: 'want',
      to,
      seq,
      tenant,
      priority,
      demand,
      granted,
      since,
      weight,
      concurrency,
    };
  }

  ask(asker: Asker): void {
    asker.seq += 1;
    this.tell(this.wantOf(asker));
  }

  tell(event: EventJson): void {
    const { state, answers, wakeAt } = reduceLane(this.state, event, this.now);
    this.state = JSON.parse(JSON.stringify(state)) as LaneState;
    this.wakeAt = wakeAt;
    for (const { to, value } of answers) {
      if (this.lose()) continue;
      const asker = this.askers.find(({ id }) => id === to.sessionId);
      const { granted, seq } = value as unknown as LaneGrant;
      if (asker === undefined || seq < asker.seq) continue;
      asker.granted = Math.max(asker.granted, Math.min(granted, asker.demand));
      while (asker.left < asker.granted) {
        asker.left += 1;
        this.queue.push({ asker, at: this.now });
      }
    }
    this.mostQueued = Math.max(this.mostQueued, this.queue.length);
    for (const group of Map.groupBy(this.queue, ({ asker }) => asker.tenant).values())
      this.mostOfTenant = Math.max(this.mostOfTenant, group.length);
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += STEP_MS) {
      for (let at = this.#running.length - 1; at >= 0; at--)
        if ((this.#running[at] ?? 0) <= this.now) this.#running.splice(at, 1);
      while (this.#running.length < this.concurrency && this.queue.length > 0) {
        const task = this.queue.shift() as Task;
        this.begun.push({ ...task, at: this.now });
        this.#running.push(this.now + this.callMs);
        const { tenant } = task.asker;
        this.#unreported[tenant] = (this.#unreported[tenant] ?? 0) + 1;
      }
      if (this.now - this.#reportedAt >= REPORT_MS) this.#report();
      if (this.wakeAt !== undefined && this.now >= this.wakeAt) this.tell({ type: 'wake' });
    }
  }

  counts(from = 0): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { asker } of this.begun.slice(from)) counts[asker.tenant] = (counts[asker.tenant] ?? 0) + 1;
    return counts;
  }

  #report(): void {
    this.#reportedAt = this.now;
    const tenants = this.#unreported;
    this.#unreported = {};
    if (!this.reporting) return;
    const { concurrency } = this;
    const running = this.#running.length;
    const seq = this.#reports++;
    this.tell({ type: 'began', process: 'p', seq, tenants, concurrency, running });
  }
}

describe('a lane', () => {
  it('shares by weight, keeps the agent busy, and no tenant fills the queue', () => {
    const weights = fc.array(fc.constantFrom(1, 2, 3), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 2, max: 8 }), (given, concurrency) => {
        const world = new World({ concurrency });
        given.forEach((weight, at) => world.add(`t${at}`, 10_000, { weight }));
        const seconds = 60;
        // The first of them had the queue to itself.
        world.pass(5_000);
        const before = world.begun.length;
        world.pass(seconds * 1_000);
        const total = world.begun.length - before;
        expect(total).toBeGreaterThan(0.9 * seconds * (1_000 / 500) * concurrency);
        const sum = given.reduce((a, b) => a + b, 0);
        for (const [at, weight] of given.entries()) {
          const share = (world.counts(before)[`t${at}`] ?? 0) / total;
          expect(Math.abs(share / (weight / sum) - 1)).toBeLessThan(0.2);
        }
        expect(world.mostOfTenant).toBeLessThanOrEqual(2 * concurrency);
      }),
      { numRuns: 25 },
    );
  });

  it('lets who comes late begin at once: within two seconds behind ten thousand of another, calls of half a second', () => {
    const world = new World({ concurrency: 8 });
    world.add('large', 10_000);
    world.pass(20_000);
    const at = world.now;
    for (let n = 0; n < 9; n++) world.add(`small${n}`, 3);
    world.pass(6_000);
    for (let n = 0; n < 9; n++) {
      const first = world.begun.find(({ asker }) => asker.tenant === `small${n}`);
      expect((first?.at ?? Number.POSITIVE_INFINITY) - at).toBeLessThanOrEqual(2_000);
    }
  });

  it('gives nobody for a rest what was not used meanwhile', () => {
    const world = new World();
    world.add('busy', 10_000);
    world.add('rests', 1);
    world.pass(60_000);
    const before = world.begun.length;
    world.add('rests', 10_000);
    world.pass(20_000);
    const { busy = 0, rests = 0 } = world.counts(before);
    expect(rests / (busy + rests)).toBeLessThan(0.6);
  });

  it('lets high before low and starves nobody; within a priority the oldest is first', () => {
    const world = new World({ concurrency: 2 });
    const low = world.add('acme', 1_000, { priority: 'low' });
    const high = world.add('acme', 1_000, { priority: 'high' });
    const later = world.add('acme', 1_000, { priority: 'high' });
    world.pass(30_000);
    expect(high.left).toBeGreaterThan(10 * low.left);
    expect(low.left).toBeGreaterThan(0);
    expect(later.left).toBe(0);
  });

  it('takes repeats for what they are, whatever comes twice', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 5, maxLength: 40 }), (steps) => {
        const world = new World({ concurrency: 2 });
        const said: EventJson[] = [];
        const askers = [world.add('a', 5), world.add('b', 30), world.add('c', 3)];
        for (const step of steps) {
          const asker = askers[step];
          if (asker !== undefined) said.push(world.wantOf(asker));
          for (const event of said.slice(-3)) world.tell(event);
          world.pass(200);
        }
        for (const { left, demand } of askers) expect(left).toBeLessThanOrEqual(demand);
        expect(world.mostOfTenant).toBeLessThanOrEqual(4);
      }),
      { numRuns: 30 },
    );
  });

  it('makes up for grants and reports that are lost: all is done in the end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.infiniteStream(fc.nat(9)), (every, stream) => {
        const world = new World({ lose: () => (stream.next().value as number) < every - 1 });
        const askers = ['a', 'b', 'c'].map((tenant) => world.add(tenant, 20));
        for (let minute = 0; minute < 30; minute++) {
          world.reporting = minute % 3 !== 0;
          world.pass(20_000);
          // As an asker does that has waited for a while.
          for (const asker of askers) if (asker.left < asker.demand) world.ask(asker);
        }
        for (const { left, demand } of askers) expect(left).toBe(demand);
      }),
      { numRuns: 10 },
    );
  });

  it('has its grants back soon from an asker that is gone, and at once from one that says so', () => {
    const world = new World();
    const gone = world.add('gone', 4_000);
    world.askers.splice(0);
    world.pass(1_000);
    const other = world.add('other', 100);
    world.pass(10_000);
    expect(other.left).toBeGreaterThan(8);
    // It was stopped: what it was granted without using it is free, and it gets no more.
    gone.demand = gone.left;
    world.ask(gone);
    const before = other.left;
    world.pass(5_000);
    expect(other.left - before).toBeGreaterThan(30);
  });

  it('remembers nothing of who is served, whatever came', () => {
    const world = new World({ concurrency: 8, callMs: 50 });
    for (let n = 0; n < 200; n++) {
      world.add(`t${n}`, 2, { priority: (['high', 'low', 'normal'] as const)[n % 3] ?? 'low' });
      world.pass(50);
    }
    world.pass(20_000);
    expect(world.askers.every(({ left }) => left === 2)).toBe(true);
    const { askers, queues, passes, priorities } = world.state as LaneState;
    expect({ askers, queues, passes, priorities }).toEqual({
      askers: {},
      queues: {},
      passes: { floor: 0, of: {} },
      priorities: {},
    });
    expect(world.wakeAt).toBeUndefined();
  });

  it.each([
    {},
    { type: 'want' },
    { type: 'want', to: { entity: 'replies', sessionId: 's', correlationId: 'c' }, seq: 1 },
    { type: 'began', process: 'p', seq: 1, tenants: { a: -1 }, concurrency: 1, running: 0 },
    { type: 'x' },
  ])('passes by what no host of ours has sent: %j', (event) => {
    const { answers, state } = reduceLane(undefined, event as EventJson, 1);
    expect(answers).toEqual([]);
    expect(state).toMatchObject({ askers: {}, queues: {}, processes: {} });
  });
});
