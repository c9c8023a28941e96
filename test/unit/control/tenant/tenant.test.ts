import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ControlAnswer } from '../../../../src/contract/control.ts';
import type { EventJson } from '../../../../src/contract/json.ts';
import { DAY_MS, reduceTenant, type TenantState } from '../../../../src/control/tenant/tenant.ts';

const NOON = 20_000 * DAY_MS + DAY_MS / 2;
const tokens = (count: number) => ({ microUsd: 0, tokens: count });
const session = (run: string) => ({ entity: 'actor.m', sessionId: run, correlationId: 'budget~life' });

const draw = (run: string, seq: number, low: number, more: object = {}): EventJson => ({
  type: 'draw',
  to: session(run),
  seq,
  least: tokens(low),
  wish: tokens(low * 3),
  limit: { tokens: 1_000 },
  isFinal: false,
  ...more,
});
const back = (run: string, sum: number): EventJson => ({
  type: 'giveBack',
  to: session(run),
  sum: tokens(sum),
});

class Tenant {
  state: TenantState | undefined;
  wakeAt: number | undefined;

  tell(event: EventJson, now = NOON): readonly ControlAnswer[] {
    const { state, answers, wakeAt } = reduceTenant(this.state, event, now);
    this.state = JSON.parse(JSON.stringify(state)) as TenantState;
    this.wakeAt = wakeAt;
    return answers;
  }
}

const granted = (answers: readonly ControlAnswer[]) =>
  answers.map(({ to, value }) => [to.sessionId, (value as { tokens: number }).tokens]);

describe('a tenant', () => {
  it('grants blocks until its day is used, and has the others wait in order', () => {
    const tenant = new Tenant();
    expect(granted(tenant.tell(draw('a', 1, 200)))).toEqual([['a', 600]]);
    expect(granted(tenant.tell(draw('b', 1, 200)))).toEqual([['b', 400]]);
    expect(tenant.tell(draw('c', 1, 200))).toEqual([]);
    expect(tenant.tell(draw('d', 1, 10))).toEqual([]);
    expect(tenant.wakeAt).toBe(20_001 * DAY_MS);
    expect(granted(tenant.tell(back('a', 250)))).toEqual([['c', 250]]);
    expect(granted(tenant.tell(back('b', 5)))).toEqual([]);
    expect(granted(tenant.tell(back('b', 15)))).toEqual([['d', 15]]);
  });

  it('begins a day once, and gives those who wait what they wait for', () => {
    const tenant = new Tenant();
    tenant.tell(draw('a', 1, 1_000));
    tenant.tell(draw('b', 1, 100));
    expect(granted(tenant.tell({ type: 'wake' }, NOON + DAY_MS))).toEqual([['b', 300]]);
    // The clock of another host is behind midnight still.
    expect(granted(tenant.tell(draw('a', 2, 700), NOON))).toEqual([['a', 700]]);
    expect(granted(tenant.tell(draw('c', 1, 1), NOON))).toEqual([]);
    // What was drawn yesterday is not of today.
    expect(granted(tenant.tell(back('a', 1_000), NOON + DAY_MS))).not.toEqual([]);
  });

  const order = (id: string, limit?: Record<string, number>): EventJson => ({
    type: 'order',
    id,
    from: { entity: 'replies', sessionId: 'client', correlationId: 'c' },
    ...(limit === undefined ? {} : { limit }),
  });

  it('does what people order, once, until a configuration has a higher revision', () => {
    const tenant = new Tenant();
    tenant.tell(draw('a', 1, 1_000));
    tenant.tell(draw('b', 1, 100));
    const [more, view] = tenant.tell(order('1', { tokens: 1_200 }));
    expect(more).toMatchObject({ to: { sessionId: 'b' }, value: { tokens: 200 } });
    expect(view?.value).toMatchObject({ limit: { tokens: 1_200 }, granted: tokens(1_200), revision: 1 });
    expect(tenant.tell(order('1', { tokens: 9_000 }))[0]?.value).toMatchObject({ limit: { tokens: 1_200 } });
    expect(tenant.tell(order('2'))[0]?.value).toMatchObject({ limit: { tokens: 1_200 }, waiting: 0 });
    // Also a repeat that comes behind another order.
    tenant.tell(order('3', { tokens: 1_300 }));
    tenant.tell(order('1', { tokens: 1_200 }));
    expect(tenant.tell(order('4'))[0]?.value).toMatchObject({ limit: { tokens: 1_300 } });
    // What is configured as before does not count; what was deployed since does.
    tenant.tell(draw('c', 1, 1));
    expect(tenant.state?.limit).toEqual({ tokens: 1_300 });
    tenant.tell(draw('d', 1, 1, { limit: { tokens: 5_000, revision: 3 } }));
    expect(tenant.state).toMatchObject({ limit: { tokens: 5_000 }, revision: 3 });
  });

  it('refuses at once who does not wait', () => {
    const tenant = new Tenant();
    tenant.tell(draw('a', 1, 1_000));
    expect(tenant.tell(draw('b', 1, 1, { isFinal: true }))).toMatchObject([
      { value: { isRefused: true, tokens: 0 } },
    ]);
    expect(tenant.wakeAt).toBeUndefined();
  });

  it('answers a repeat as before, and counts it once', () => {
    const tenant = new Tenant();
    const first = tenant.tell(draw('a', 1, 200));
    expect(tenant.tell(draw('a', 1, 200))).toEqual(first);
    tenant.tell(back('a', 100));
    tenant.tell(back('a', 100));
    expect(tenant.state?.granted).toEqual(tokens(500));
  });

  it('keeps the place of who asks again while it waits', () => {
    const tenant = new Tenant();
    tenant.tell(draw('a', 1, 1_000));
    tenant.tell(draw('b', 1, 100));
    tenant.tell(draw('c', 1, 100));
    expect(tenant.tell(draw('b', 1, 100))).toEqual([]);
    expect(granted(tenant.tell(back('a', 100)))).toEqual([['b', 100]]);
    expect(tenant.state?.waiting).toHaveLength(1);
  });

  it.each<EventJson>([
    { type: 'draw' },
    { ...draw('a', 1, 1), least: tokens(-1) },
    { ...draw('a', 1, 1), to: { entity: 'replies', sessionId: 's', correlationId: 'c' } },
    { ...back('a', 1), sum: 'all' },
    { type: 'other' },
  ])('is not moved by what no host has sent: %j', (event) => {
    const tenant = new Tenant();
    expect(tenant.tell(event)).toEqual([]);
    expect(tenant.state).toMatchObject({ granted: tokens(0), waiting: [] });
  });

  it('never grants more in a day than its limit and what came back, whoever asks, in whatever order', () => {
    const run = fc.constantFrom('a', 'b', 'c');
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('draw' as const),
        run,
        low: fc.nat({ max: 400 }),
        isFinal: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('back' as const), run, part: fc.nat({ max: 100 }) }),
      fc.record({ kind: fc.constant('day' as const), days: fc.integer({ min: -1, max: 2 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const tenant = new Tenant();
        let now = NOON;
        let [day, sum] = [0, 0];
        const seqs: Record<string, number> = {};
        const held: Record<string, number> = {};
        const backs: Record<string, number> = {};
        for (const one of steps) {
          let answers: readonly ControlAnswer[] = [];
          if (one.kind === 'day') now += one.days * DAY_MS;
          else if (one.kind === 'draw') {
            seqs[one.run] = (seqs[one.run] ?? 0) + 1;
            answers = tenant.tell(draw(one.run, seqs[one.run] ?? 0, one.low, { isFinal: one.isFinal }), now);
          } else {
            const part = Math.floor(((held[one.run] ?? 0) * one.part) / 100);
            held[one.run] = (held[one.run] ?? 0) - part;
            backs[one.run] = (backs[one.run] ?? 0) + part;
            answers = tenant.tell(back(one.run, backs[one.run] ?? 0), now);
          }
          const today = tenant.state?.day ?? 0;
          if (today > day) [day, sum] = [today, 0];
          for (const [name, count] of granted(answers) as [string, number][]) {
            held[name] = (held[name] ?? 0) + count;
            sum += count;
          }
          expect(tenant.state?.granted.tokens ?? 0).toBeLessThanOrEqual(1_000);
          expect(sum - (tenant.state?.granted.tokens ?? 0)).toBeLessThanOrEqual(
            Object.values(backs).reduce((all, count) => all + count, 0),
          );
        }
      }),
      { numRuns: 100 },
    );
  });
});
