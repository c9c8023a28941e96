import { describe, expect, it } from 'vitest';
import { misfitOf } from '../../../../src/actors/core/plan.ts';
import type { Json } from '../../../../src/contract/json.ts';

const plan = { agents: ['a'], items: [1, null], policy: { kind: 'all' }, collect: 'counts' } as const;

describe('misfitOf', () => {
  it.each<[string, Json]>([
    ['the least', plan],
    ['no items', { ...plan, items: [] }],
    ['items by reference', { ...plan, items: { $payload: 'p', bytes: 3, count: 0 } }],
    ['all there is', { ...plan, shared: null, collect: 'values', deadlineMs: 1, offerTtlMs: 1 }],
    ['a quorum', { ...plan, policy: { kind: 'quorum', count: 1 } }],
    ['a deadline', { ...plan, policy: { kind: 'deadline', ms: 1 } }],
    ['a record without an end of its own', { ...plan, policy: {} }],
    [
      'a record of all there is',
      {
        ...plan,
        policy: {
          answered: 1,
          good: 1,
          afterMs: 1,
          spent: { usd: 0.1, tokens: 1 },
          valid: 'isRight',
          atLeast: 0,
        },
      },
    ],
    ['a deadline that nobody need keep', { ...plan, policy: { kind: 'deadline', ms: 1, atLeast: 0 } }],
  ])('takes %s', (_name, given) => {
    expect(misfitOf(given)).toBeUndefined();
  });

  it.each<[Json, string]>([
    [null, 'must be an object'],
    [[], 'must be an object'],
    [{ ...plan, polcy: 1 }, 'polcy: there is no such field'],
    [{ agents: ['a'] }, 'items: must be an array, or a payload reference with its `count`'],
    [{ ...plan, agents: [] }, 'agents: must be names of agents, at least one'],
    [{ ...plan, agents: ['a', ''] }, 'agents: must be names of agents, at least one'],
    [{ ...plan, items: 'x' }, 'items: must be an array, or a payload reference with its `count`'],
    [
      { ...plan, items: { $payload: 'p', bytes: 3 } },
      'items: must be an array, or a payload reference with its `count`',
    ],
    [
      { ...plan, items: { $payload: 'p', bytes: 3, count: -1 } },
      'items: must be an array, or a payload reference with its `count`',
    ],
    [
      { ...plan, items: { $payload: 'p', count: 1 } },
      'items: must be an array, or a payload reference with its `count`',
    ],
    [{ ...plan, collect: 'all' }, "collect: must be 'values' or 'counts'"],
    [{ ...plan, collect: ['values'] }, "collect: must be 'values' or 'counts'"],
    [{ ...plan, deadlineMs: 0 }, 'deadlineMs: must be a whole number of at least 1'],
    [{ ...plan, offerTtlMs: 1.5 }, 'offerTtlMs: must be a whole number of at least 1'],
    [{ ...plan, policy: 'all' }, 'policy: must be an object'],
    [{ ...plan, policy: { god: 1 } }, 'policy.god: there is no such field'],
    [{ ...plan, policy: { answered: 0 } }, 'policy.answered: must be a whole number of at least 1'],
    [{ ...plan, policy: { good: 0 } }, 'policy.good: must be a whole number of at least 1'],
    [{ ...plan, policy: { afterMs: 1.5 } }, 'policy.afterMs: must be a whole number of at least 1'],
    ...[{}, null, 1, { usd: 0 }, { tokens: 0.5 }, { usd: '1' }, { token: 1, usd: 1 }].map(
      (spent): [Json, string] => [
        { ...plan, policy: { spent } },
        'policy.spent: must be an object with `usd` above 0, `tokens` of at least 1, or both',
      ],
    ),
    ...[
      '',
      3,
      {},
      { by: 'v' },
      { count: 1 },
      { by: '', count: 1 },
      { by: 'v', count: 0 },
      { by: 'v', count: 1, of: 2 },
    ].map((valid): [Json, string] => [
      { ...plan, policy: { valid } },
      'policy.valid: must be the name of an export, or `{ by, count }` with that name and a whole number of at least 1',
    ]),
    [{ ...plan, policy: { kind: 'all', good: 1 } }, 'policy.good: there is no such field'],
    [{ ...plan, policy: { kind: 'toString' } }, "policy.kind: must be 'all' or 'quorum' or 'deadline'"],
    [{ ...plan, policy: { kind: 'all', count: 1 } }, 'policy.count: there is no such field'],
    [{ ...plan, policy: { kind: 'quorum' } }, 'policy.count: must be a whole number of at least 1'],
    [
      { ...plan, policy: { kind: 'deadline', ms: 1, atLeast: -1 } },
      'policy.atLeast: must be a whole number of at least 0',
    ],
  ])('refuses %j', (given, why) => {
    expect(misfitOf(given)).toBe(why);
  });
});
