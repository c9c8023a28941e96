// Times at their extremes: what a machine may ask for, when it comes, and what is refused.
import { describe, expect, it } from 'vitest';
import { raise, sendTo, setup } from 'xstate';
import { INERT_LOGIC } from '../../../../src/actors/core/scope.ts';
import { SCATTER_LOGIC } from '../../../../src/contract/scatter.ts';
import { effectsOf, NOW, TestActor } from './turns.ts';

/** The last day of the year 9999: the furthest that a date of AMQP and of Service Bus can be. */
const LAST = Date.UTC(9999, 11, 31);

const DELAYS: readonly (readonly [name: string, delay: number, dueAt: number | 'refused'])[] = [
  ['0', 0, NOW],
  ['-0', -0, NOW],
  ['a negative number', -5, NOW],
  ['the most negative', Number.MIN_SAFE_INTEGER, NOW],
  ['a fraction', 0.25, NOW + 1],
  ['the smallest number', Number.MIN_VALUE, NOW],
  ['2^31 - 1', 2 ** 31 - 1, NOW + 2 ** 31 - 1],
  ['2^31, where setTimeout rings at once', 2 ** 31, NOW + 2 ** 31],
  ['a hundred years', 3_155_760_000_000, NOW + 3_155_760_000_000],
  ['MAX_SAFE_INTEGER', Number.MAX_SAFE_INTEGER, LAST],
  ['MAX_VALUE', Number.MAX_VALUE, LAST],
  ['Infinity', Number.POSITIVE_INFINITY, 'refused'],
  ['-Infinity', Number.NEGATIVE_INFINITY, 'refused'],
  ['NaN', Number.NaN, 'refused'],
];

function waiting(delay: number) {
  return setup({ delays: { some: () => delay } }).createMachine({
    initial: 'open',
    states: {
      open: {
        on: {
          after: 'waiting',
          raise: { actions: raise({ type: 'ring' }, { delay: () => delay }) },
          send: {
            actions: sendTo({ type: 'order', id: 'p' } as never, { type: 'ring' } as never, { delay }),
          },
        },
      },
      waiting: { after: { some: 'done' } },
      done: {},
    },
  });
}

describe.each(DELAYS)('a delay of %s', (_name, delay, dueAt) => {
  it.each(['after', 'raise', 'send'])('by %s is a date that Service Bus can say, or refused', (event) => {
    const actor = new TestActor(waiting(delay));
    actor.start();
    const batch = actor.send(event);
    if (dueAt === 'refused') {
      expect(batch.verdicts).toMatchObject([
        {
          kind: 'rejected',
          error: { code: 'MACHINE_THREW', message: expect.stringContaining(`${delay} ms`) },
        },
      ]);
      return;
    }
    expect(batch.verdicts).toEqual([{ kind: 'applied' }]);
    const [timer] = effectsOf(batch, 'timer');
    expect(timer?.dueAt).toBe(dueAt);
    expect(new Date(timer?.dueAt ?? Number.NaN).getTime()).toBe(dueAt);
  });
});

const ANYTHING: Record<string, unknown> = {};

const scattering = setup({
  types: { context: ANYTHING, input: ANYTHING },
  actors: { scatter: Object.assign({ ...INERT_LOGIC }, { [SCATTER_LOGIC]: true }) },
}).createMachine({
  context: ({ input }) => input ?? {},
  invoke: {
    src: 'scatter',
    input: ({ context }: { context: Record<string, unknown> }) => ({
      agents: ['model'],
      items: [1],
      policy: { kind: 'all' },
      collect: 'counts',
      ...context,
    }),
  },
});

const FIELDS: readonly (readonly [string, (ms: number) => Record<string, unknown>])[] = [
  ['deadlineMs', (ms) => ({ deadlineMs: ms })],
  ['offerTtlMs', (ms) => ({ offerTtlMs: ms })],
  ['policy.ms', (ms) => ({ policy: { kind: 'deadline', ms } })],
];

describe.each(FIELDS)('%s of a scatter', (field, plan) => {
  const world = { registry: { agents: { model: { deadlineMs: 60_000 } }, machines: {} } } as const;

  it.each([1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER])('may be %s', (ms) => {
    const actor = new TestActor(scattering, world);
    const batch = actor.start(plan(ms) as never);
    expect(batch.verdicts).toEqual([{ kind: 'applied' }]);
    const [timer] = effectsOf(batch, 'timer');
    expect(effectsOf(batch, 'scatter')).toMatchObject([{ deadlineAt: timer?.dueAt }]);
    expect(timer?.dueAt).toBe(field === 'offerTtlMs' ? NOW + 60_000 : Math.min(LAST, NOW + ms));
  });

  it.each([0, -1, 0.5])('is refused when it is %s', (ms) => {
    const batch = new TestActor(scattering, world).start(plan(ms) as never);
    expect(batch.verdicts).toMatchObject([
      { kind: 'rejected', error: { code: 'INPUT_INVALID', message: expect.stringContaining(field) } },
    ]);
  });
});
