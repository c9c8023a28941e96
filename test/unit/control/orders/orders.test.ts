// What people order of all processes, as a reducer: who is told what, and what a repeat changes.
import { array, assert, boolean, constantFrom, infiniteStream, nat, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventJson } from '../../../../src/contract/json.ts';
import type { Price } from '../../../../src/contract/usage.ts';
import { type OrdersState, reduceOrders } from '../../../../src/control/orders/orders.ts';
import { pricesIn } from '../../../../src/control/orders/prices.ts';
import { type OrdersView, readStanding, type Standing } from '../../../../src/control/orders/protocol.ts';

const PRICE: Price = { inputPerMillion: 1, outputPerMillion: 10, at: '2026-11-01' };

const at = (sessionId: string) => ({ entity: 'replies', sessionId, correlationId: 'orders' });

class Keeper {
  state: OrdersState | undefined;
  now = 1_000;

  /** What each session was told, in order. */
  give(event: Readonly<Record<string, unknown>>): readonly (readonly [string, Standing & OrdersView])[] {
    const { state, answers } = reduceOrders(this.state, event as unknown as EventJson, this.now);
    this.state = JSON.parse(JSON.stringify(state)) as OrdersState;
    return answers.map(({ to, value }) => [to.sessionId, value as unknown as Standing & OrdersView]);
  }

  follow(
    process: string,
    agents: readonly string[] = ['a'],
    prices: Readonly<Record<string, Price>> = {},
    seq = 1,
  ) {
    return this.give({ type: 'follow', process, from: at(process), seq, silenceMs: 60_000, agents, prices });
  }

  order(id: string, what: object) {
    return this.give({ type: 'order', id, from: at('person'), ...what });
  }
}

describe('orders', () => {
  it('tell who gave one how it is then, and all who follow what stands', () => {
    const keeper = new Keeper();
    expect(keeper.follow('p', ['a', 'b'])).toEqual([['p', { seq: 1, revision: 0, paused: {}, prices: {} }]]);
    keeper.follow('q');
    keeper.now = 2_000;
    const pause = { reason: 'costs', since: 2_000 };
    expect(keeper.order('1', { pause: { agent: 'a', reason: 'costs' } })).toEqual([
      ['person', { revision: 1, agents: { a: pause, b: null }, prices: {} }],
      ['p', { revision: 1, paused: { a: pause }, prices: {} }],
      ['q', { revision: 1, paused: { a: pause }, prices: {} }],
    ]);
    // Who comes later hears of it at once.
    expect(keeper.follow('late')).toEqual([
      ['late', { seq: 1, revision: 1, paused: { a: pause }, prices: {} }],
    ]);
    expect(keeper.order('2', { resume: 'a' })).toContainEqual([
      'late',
      { revision: 2, paused: {}, prices: {} },
    ]);
  });

  it('of an agent that nobody has change nothing, nor does a look, and both are answered', () => {
    const keeper = new Keeper();
    keeper.follow('p');
    for (const [id, what] of [
      ['1', { pause: { agent: 'aa' } }],
      ['2', { resume: 'a' }],
      ['3', {}],
    ] as const)
      expect(keeper.order(id, what)).toEqual([['person', { revision: 0, agents: { a: null }, prices: {} }]]);
  });

  it('that are repeated behind another one are not carried out again', () => {
    const keeper = new Keeper();
    keeper.follow('p');
    keeper.order('resume', { resume: 'a' });
    keeper.order('pause', { pause: { agent: 'a' } });
    const view = { revision: 1, agents: { a: { since: 1_000 } }, prices: {} };
    expect(keeper.order('resume', { resume: 'a' })).toEqual([['person', view]]);
    expect(keeper.order('pause', { pause: { agent: 'a' } })).toEqual([['person', view]]);
  });

  it('keep since when an agent is paused, and take another reason', () => {
    const keeper = new Keeper();
    keeper.follow('p');
    keeper.order('1', { pause: { agent: 'a', reason: 'costs' } });
    keeper.now = 9_000;
    expect(keeper.order('2', { pause: { agent: 'a', reason: 'an incident' } })[1]).toEqual([
      'p',
      { revision: 2, paused: { a: { since: 1_000, reason: 'an incident' } }, prices: {} },
    ]);
  });

  it('are told to nobody who has been silent for too long, and a pause outlives all processes', () => {
    const keeper = new Keeper();
    keeper.follow('p');
    keeper.order('1', { pause: { agent: 'a' } });
    keeper.now += 60_001;
    keeper.follow('q', ['b']);
    expect(keeper.order('2', { pause: { agent: 'b' } }).map(([session]) => session)).toEqual(['person', 'q']);
    expect(Object.keys(keeper.state?.agents ?? {})).toEqual(['a', 'b']);
  });

  it('of what no process of ours has sent are left alone', () => {
    const keeper = new Keeper();
    for (const event of [
      {
        type: 'follow',
        process: 'p',
        from: { ...at('p'), entity: 'actor.x' },
        seq: 1,
        silenceMs: 1,
        agents: [],
        prices: {},
      },
      { type: 'follow', process: 'p', from: at('p'), seq: 1, silenceMs: 1, agents: [7], prices: {} },
      { type: 'follow', process: 'p', from: at('p'), seq: 1, silenceMs: 1, agents: [] },
      {
        type: 'order',
        id: '1',
        from: at('p'),
        price: { model: 'm', price: { ...PRICE, inputPerMillion: -1 } },
      },
      {
        type: 'order',
        id: '1',
        from: at('p'),
        price: { model: 'm', price: { ...PRICE, outputPerMillion: 1e-7 } },
      },
      { type: 'order', id: '1', from: at('p'), pause: { agent: 'a', reason: 'x'.repeat(501) } },
      { type: 'order', id: '', from: at('p') },
      { type: 'wake' },
    ])
      expect(keeper.give(event)).toEqual([]);
    for (const value of [
      null,
      [],
      { revision: 1 },
      { revision: -1, paused: {}, prices: {} },
      { revision: 1, paused: { a: {} } },
    ])
      expect(readStanding(value as never)).toBeUndefined();
  });

  it('hold: who goes by the highest revision that it heard, in any order and however often, stands where the keeper does', () => {
    const names = ['a', 'b', '__proto__', 'constructor'];
    const step = record({
      agent: constantFrom(...names),
      isPause: boolean(),
      repeat: boolean(),
      process: constantFrom('p', 'q'),
    });
    assert(
      property(array(step, { maxLength: 30 }), infiniteStream(nat()), (steps, draws) => {
        const keeper = new Keeper();
        const told: Standing[] = [];
        const hear = (answers: ReturnType<Keeper['give']>): void =>
          void told.push(...answers.flatMap(([session, value]) => (session === 'p' ? [value] : [])));
        hear(keeper.follow('p', names));
        for (const [nth, { agent, isPause, repeat, process }] of steps.entries()) {
          keeper.now += 100;
          if (process === 'q') hear(keeper.follow('q', names));
          const what = isPause ? { pause: { agent } } : { resume: agent };
          hear(keeper.order(`${nth}`, what));
          if (repeat) hear(keeper.order(`${nth}`, what));
        }
        const mixed = told.toSorted(() => (Number(draws.next().value) % 3) - 1);
        const highest = mixed.reduce((best, one) => (one.revision > best.revision ? one : best));
        const { agents } = keeper.order('look', {})[0]?.[1] ?? { agents: {} };
        const paused = Object.entries(agents).filter(([, pause]) => pause !== null);
        expect(new Map(Object.entries(highest.paused))).toEqual(new Map(paused));
      }),
      { seed: 1_512 },
    );
  });
});

describe('prices', () => {
  const of = (inputPerMillion: number, revision?: number): Price => ({
    ...PRICE,
    inputPerMillion,
    ...(revision === undefined ? {} : { revision }),
  });
  const set = (keeper: Keeper, id: string, price: Price) =>
    keeper.order(id, { price: { model: 'm', price } });

  it('of a configuration without a revision are told to nobody, and shown as they were said last', () => {
    const keeper = new Keeper();
    expect(keeper.follow('p', [], { m: of(1) })[0]?.[1].prices).toEqual({});
    expect(keeper.follow('q', [], { m: of(2) })).toEqual([
      ['q', { seq: 1, revision: 0, paused: {}, prices: {} }],
    ]);
    expect(keeper.order('look', {})[0]?.[1].prices).toEqual({ m: of(2, 0) });
  });

  it('that are ordered are one above what was known, told to all, and count until a configuration is higher', () => {
    const keeper = new Keeper();
    keeper.follow('p', [], { m: of(1, 4) });
    const ordered = { ...of(3, 5), isOrdered: true };
    expect(set(keeper, '1', of(3))).toEqual([
      ['person', { revision: 2, agents: {}, prices: { m: ordered } }],
      ['p', { revision: 2, paused: {}, prices: { m: ordered } }],
    ]);
    // The same revision, in a configuration that was deployed since.
    keeper.follow('q', [], { m: of(7, 5) });
    expect(keeper.order('look', {})[0]?.[1].prices).toEqual({ m: ordered });
    const told = keeper.follow('q', [], { m: of(8, 6) });
    expect(told.map(([session]) => session)).toEqual(['q', 'p']);
    for (const [, { prices, revision }] of told) expect([prices, revision]).toEqual([{ m: of(8, 6) }, 3]);
    expect(set(keeper, '2', of(9))[0]?.[1].prices).toEqual({ m: { ...of(9, 7), isOrdered: true } });
  });

  it('count in a process where their revision is higher than its own, and where they were ordered at the same', () => {
    const own = { m: of(1, 2), n: of(1) };
    expect(pricesIn(own, {})).toBe(own);
    expect(pricesIn(own, { m: { ...of(5), revision: 1, isOrdered: true } })).toBe(own);
    expect(pricesIn(own, { m: { ...of(5), revision: 2 } })).toBe(own);
    expect(pricesIn(own, { m: { ...of(5), revision: 2, isOrdered: true } })).toEqual({ ...own, m: of(5, 2) });
    expect(pricesIn(own, { m: { ...of(5), revision: 3 }, x: { ...of(6), revision: 1 } })).toEqual({
      ...own,
      m: of(5, 3),
      x: of(6, 1),
    });
  });

  it('of two processes that are configured otherwise with one revision are told once, and nobody fights', () => {
    const keeper = new Keeper();
    keeper.follow('p', [], { m: of(1, 1) });
    keeper.follow('q', [], { m: of(2, 1) });
    for (let nth = 0; nth < 3; nth += 1) {
      expect(keeper.follow('p', [], { m: of(1, 1) })).toHaveLength(1);
      expect(keeper.follow('q', [], { m: of(2, 1) })).toHaveLength(1);
    }
    expect(keeper.state?.revision).toBe(1);
  });
});
