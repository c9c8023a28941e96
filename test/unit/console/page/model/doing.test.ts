// What people can do and answer, what actors wait for, gathers and trees, as the page says them.
import { describe, expect, it } from 'vitest';
import { mayAnswer, whyNot } from '../../../../../src/console/page/model/abilities.ts';
import { answerKind, readAnswer } from '../../../../../src/console/page/model/answer.ts';
import { branchesIn, gatherLine, policyLine } from '../../../../../src/console/page/model/gathers.ts';
import { treeOf } from '../../../../../src/console/page/model/tree.ts';
import { waitText } from '../../../../../src/console/page/model/waits.ts';
import type { ActorRow } from '../../../../../src/console/protocol.ts';

const LIVE = { status: 'active', shown: 'waiting' } as const;
const QUIET = { executions: [], asks: 0, unsent: 0 };

describe('an action', () => {
  it('is possible for who may, where it means something', () => {
    expect(whyNot('send', LIVE, 'operator')).toBeUndefined();
    expect(whyNot('release', { status: 'active', shown: 'quarantined' }, 'operator')).toBeUndefined();
    expect(whyNot('purge', { status: 'done', shown: 'done' }, 'admin')).toBeUndefined();
  });

  it.each([
    ['send', LIVE, 'reader', 'operator'],
    ['purge', { status: 'done', shown: 'done' }, 'operator', 'admin'],
    ['purge', LIVE, 'admin', 'lives'],
    ['release', LIVE, 'admin', 'stand still'],
    ['cancel', { status: 'done', shown: 'done' }, 'admin', 'ended'],
  ] as const)('%s of %j by a %s says why not', (action, actor, role, word) => {
    expect(whyNot(action, actor, role)).toContain(word);
  });

  it('answers nothing as a reader', () => {
    expect(mayAnswer('reader')).toContain('operator');
    expect(mayAnswer('operator')).toBeUndefined();
  });
});

describe('an answer', () => {
  it.each([
    [undefined, undefined, 'x', 'text', { value: 'x' }],
    [{ type: 'string' }, ['a'], 'a', 'choice', { value: 'a' }],
    [{ type: 'boolean' }, undefined, 'false', 'boolean', { value: false }],
    [{ type: 'integer' }, undefined, '7', 'number', { value: 7 }],
    [{ type: 'integer' }, undefined, 'x', 'number', { error: 'This is no number.' }],
    [{ type: 'object' }, undefined, '{"a":1}', 'json', { value: { a: 1 } }],
    [{ type: 'object' }, undefined, '{', 'json', { error: 'This is no JSON.' }],
    [undefined, undefined, ' ', 'text', { error: 'There is no answer yet.' }],
  ])('by schema %j and choices %j: %s', (schema, choices, typed, kind, read) => {
    const found = answerKind(schema, choices);
    expect(found).toBe(kind);
    expect(readAnswer(found, typed)).toEqual(read);
  });
});

describe('what an actor waits for', () => {
  const task = (childId: string, startedAt: number) =>
    ({ id: childId, childId, src: 'ask', kind: 'task', agent: 'writer', startedAt }) as const;
  it.each([
    [{ ...QUIET, quarantinedAt: 0, executions: [task('a', 0)] }, 'somebody to release it, 10 s'],
    [{ ...QUIET, exhaustedAt: 0 }, 'budget, 10 s'],
    [{ ...QUIET, asks: 2 }, '2 answers'],
    [{ ...QUIET, executions: [task('a', 0), task('b', 5)] }, 'agent writer and 1 more'],
    [
      { ...QUIET, executions: [{ ...task('g', 0), kind: 'scatter' as const, total: 9, ok: 4, failed: 1 }] },
      'gather g: 4 of 9 ok, 1 failed, 4 open',
    ],
    [
      {
        ...QUIET,
        executions: [
          { ...task('0.order.paying', 0), src: 'fan', kind: 'scatter' as const, total: 1, ok: 0, failed: 0 },
        ],
      },
      'gather fan: 0 of 1 ok, 1 open',
    ],
    [{ ...QUIET, timerAt: 20_000 }, 'timer in 10 s'],
    [{ ...QUIET, timerAt: 1_000 }, 'timer due for 9 s'],
    [QUIET, ''],
  ])('%j', (row, text) => expect(waitText(row, 10_000)).toBe(text));
});

describe('a gather', () => {
  const gather = {
    childId: 'g',
    total: 10,
    answered: 5,
    good: 3,
    ok: 3,
    failed: 1,
    invalid: 1,
    open: 5,
    unsent: 2,
    duplicates: 0,
    startedAt: 0,
    slowest: { branch: 4, agent: 'writer', ms: 2_000 },
  };
  const line = gatherLine(gather, 3_000);
  it('says how far it is and which branch is slowest', () => {
    expect(line.text).toBe('3 of 10 ok, 1 failed, 1 not valid, 5 open, 2 of them not sent yet, for 3 s');
    expect(line.slowest).toBe('Slowest: branch 4, agent writer, 2 s');
  });
  it('has a cell a branch, with its number, its agent and why it failed', () => {
    const told = {
      ...gather,
      branches: {
        cells: 'ofia.-',
        agents: ['writer', 'critic'],
        policy: { good: 2, afterMs: 60_000, atLeast: 1 },
        deadlineAt: 13_000,
        failures: [{ branch: 1, code: 'NO_PAPER' }],
      },
    };
    expect(branchesIn(told)).toEqual([
      { cell: 'ok', title: 'branch 0, writer: answered' },
      { cell: 'bad', title: 'branch 1, critic: failed: NO_PAPER' },
      { cell: 'invalid', title: 'branch 2, writer: not valid' },
      { cell: 'answered', title: 'branch 3, critic: answered' },
      { cell: 'open', title: 'branch 4, writer: open' },
      { cell: 'unsent', title: 'branch 5, critic: not sent yet' },
    ]);
    expect(policyLine(told, 3_000)).toBe(
      'Ends with 2 good answers, or after 1 min, or all have answered, needs at least 1; deadline in 10 s',
    );
    expect(branchesIn(gather)).toEqual([]);
  });
});

describe('a tree of rows', () => {
  const row = (address: string, parent?: string): ActorRow =>
    ({ address, ...(parent === undefined ? {} : { parent }) }) as ActorRow;
  it('has each row once, under its parent where that is there', () => {
    const rows = [row('c/1', 'b/1'), row('a/1'), row('b/1', 'a/1'), row('d/1', 'gone/1')];
    expect(treeOf(rows).map(({ row: { address }, depth }) => [address, depth])).toEqual([
      ['a/1', 0],
      ['b/1', 1],
      ['c/1', 2],
      ['d/1', 0],
    ]);
  });
});
