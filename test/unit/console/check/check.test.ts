// A deployment held against the actors that live: what would strand them is found, and what is well is left alone.
import { describe, expect, it } from 'vitest';
import { checkDeployment, type NextMachine } from '../../../../src/console/check/check.ts';
import { compareState } from '../../../../src/console/check/states.ts';
import type { Json } from '../../../../src/contract/json.ts';

/** As `describe` tells it: what `createMachine` was given. */
const define = (config: object): Json => JSON.parse(JSON.stringify(config)) as Json;

const order = define({
  id: 'order',
  initial: 'open',
  states: {
    open: { on: { PAY: 'paying' } },
    paying: { invoke: { src: 'payment', id: 'pay' }, after: { 60_000: 'late' }, on: { CANCEL: 'late' } },
    shipping: { type: 'parallel', states: { box: { initial: 'a', states: { a: {}, b: {} } }, label: {} } },
    late: {},
  },
});

const machine = (more: Partial<NextMachine> = {}): NextMachine => ({
  version: '2',
  definition: order,
  older: new Set(),
  migrates: false,
  ...more,
});
const check = (value: Json, next: NextMachine | undefined, version = '1') => {
  const [verdict] = checkDeployment({
    living: [{ type: 'order', version, value, count: 3 }],
    next: new Map(next === undefined ? [] : [['order', next]]),
    definitionOf: () => order,
  });
  return verdict ?? expect.fail('no verdict');
};
const withPaying = (paying: object): Json =>
  define({ id: 'order', initial: 'open', states: { open: { on: { PAY: 'paying' } }, paying, late: {} } });

describe('a deployment', () => {
  it.each<[string, Json, NextMachine | undefined, string | undefined, string]>([
    ['the same', 'open', machine({ version: '1' }), '1', 'stays'],
    ['a new version that loses nothing', 'open', machine(), '1', 'moves'],
    [
      'an older version that stays',
      'paying',
      machine({ definition: withPaying({}), older: new Set(['1']) }),
      '1',
      'stays',
    ],
    [
      'a machine that migrates',
      'paying',
      machine({ definition: withPaying({}), migrates: true }),
      '1',
      'migrates',
    ],
    ['without the machine', 'open', undefined, '1', 'stranded'],
    ['without the state', 'shipping', machine({ definition: withPaying({}) }), '1', 'stranded'],
    ['without the work of the state', 'paying', machine({ definition: withPaying({}) }), '1', 'stranded'],
    ['older than the actors', 'open', machine(), '10', 'stranded'],
    [
      'with another delay',
      'paying',
      machine({
        definition: withPaying({
          invoke: { src: 'payment', id: 'pay' },
          after: { 90_000: 'late' },
          on: { CANCEL: 'late' },
        }),
      }),
      '1',
      'changes',
    ],
    [
      'that is another one under the same version',
      'paying',
      machine({
        version: '1',
        definition: withPaying({ invoke: { src: 'payment', id: 'pay' }, after: { 60_000: 'late' } }),
      }),
      '1',
      'changes',
    ],
  ])('%s', (_name, value, next, version, fate) => {
    expect(check(value, next, version).fate).toBe(fate);
  });

  it('says what changes in words that are in the machine', () => {
    const next = machine({
      definition: withPaying({ invoke: { src: 'payment', id: 'pay' }, after: { 90_000: 'late' } }),
    });
    expect(check('paying', next).change).toEqual({
      isGone: false,
      lostWork: [],
      lostTimers: ['after 60000 ms in paying'],
      notBegun: ['after 90000 ms in paying'],
      lostEvents: ['CANCEL'],
    });
  });
});

it.each<[Json, boolean]>([
  ['open', false],
  ['nothing', true],
  [{ shipping: { box: 'a', label: {} } }, false],
  [{ shipping: { box: 'c', label: {} } }, true],
  [{}, false],
  [{ constructor: 'x' }, true],
])('a state %j that is gone is found: %s', (value, isGone) => {
  expect(compareState(order, order, value).isGone).toBe(isGone);
});
