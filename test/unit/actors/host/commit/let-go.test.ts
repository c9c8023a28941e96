// Every way in which an actor stops waiting, and what is cancelled by it. An answer cancels nothing.
import { describe, expect, it } from 'vitest';
import { letGo } from '../../../../../src/actors/host/commit/let-go.ts';
import { executionMark, lifeMark } from '../../../../../src/actors/protocol/lineage.ts';
import type { CoreState, TurnInput, TurnResult } from '../../../../../src/contract/turn.ts';

const NOW = 1_000_000;
const HOUR = 3_600_000;
const actor = { type: 'm', id: '1' };
const context = { actor, now: NOW, duplicateWindowMs: 60_000, isLost: false };
const LIFE = 'incarnation';

type Open = Record<
  string,
  { readonly kind: string; readonly deadlineAt?: number; readonly cancel?: 'ignore' }
>;

const core = (executions: Open, status = 'active'): CoreState =>
  ({ incarnation: LIFE, status, executions }) as unknown as CoreState;
const result = (
  executions: Open,
  more: Partial<{ status: string; gathers: unknown; effects: unknown }> = {},
): Pick<TurnResult, 'state' | 'gathers' | 'effects'> =>
  ({ gathers: [], effects: [], ...more, state: core(executions, more.status) }) as never;
const reply = (execution: string, branch?: number): { input: TurnInput } => ({
  input: { kind: 'reply', execution, ...(branch === undefined ? {} : { branch }) } as unknown as TurnInput,
});
const gathered = (execution: string, ok: number, failed: number) => ({
  gathers: [{ execution, gather: { ok, failed, total: 3 } }],
});

const task = { kind: 'task', deadlineAt: NOW + HOUR };
const scatter = { ...task, kind: 'scatter' };
const child = { kind: 'child' };
const execution = (id: string) => executionMark('m/1', LIFE, id);
const asked = (kind: string, id: string) => ({
  effects: [{ turn: 1, index: 0, effect: { kind, execution: id, deadlineAt: NOW + HOUR, plan: {} } }],
});

describe.each([
  ['a task that is left', core({ a: task, b: task }), result({ b: task }), [], [execution('a')]],
  ['a task that is answered', core({ a: task }), result({}), [reply('a')], []],
  [
    'a task that failed at its deadline',
    core({ a: { ...task, deadlineAt: NOW } }),
    result({}),
    [],
    [execution('a')],
  ],
  ['a child that is left', core({ a: child }), result({}), [], [execution('a')]],
  ['a child that has ended', core({ a: child }), result({}), [reply('a')], []],
  [
    'a gather that has enough',
    core({ a: scatter }),
    result({}, gathered('a', 1, 1)),
    [reply('a', 0)],
    [execution('a')],
  ],
  ['a gather that has all', core({ a: scatter }), result({}, gathered('a', 2, 1)), [reply('a', 0)], []],
  ['a gather that is left', core({ a: scatter }), result({}), [], [execution('a')]],
  [
    'several at once',
    core({ a: task, b: scatter, c: child, d: task }),
    result({ d: task }),
    [],
    ['a', 'b', 'c'].map(execution),
  ],
  [
    'the end of an actor',
    core({ a: task, b: child }),
    result({}, { status: 'stopped' }),
    [],
    [lifeMark('m/1', LIFE)],
  ],
  ['its end in error', core({ a: task }), result({}, { status: 'error' }), [], [lifeMark('m/1', LIFE)]],
  ['an end by its last answer', core({ a: task }), result({}, { status: 'done' }), [reply('a')], []],
  ['an end with nothing open', core({}), result({}, { status: 'done' }), [], []],
  ['asked and left in one batch', core({}), result({}, asked('task', 'a')), [], [execution('a')]],
  ['scattered and left in one batch', core({}), result({}, asked('scatter', 'a')), [], [execution('a')]],
  [
    'a child begun and left in one batch',
    core({}),
    result({}, asked('startChild', 'a')),
    [],
    [execution('a')],
  ],
  [
    'a life of one batch',
    null,
    result({}, { status: 'done', ...asked('task', 'a') }),
    [],
    [lifeMark('m/1', LIFE)],
  ],
  ['a task that is done in any case', core({ a: { ...task, cancel: 'ignore' } }), result({}), [], []],
  [
    'an end with nothing open but that',
    core({ a: { ...scatter, cancel: 'ignore' } }),
    result({}, { status: 'stopped' }),
    [],
    [],
  ],
  ['work that continues', core({ a: task }), result({ a: task, b: task }, asked('task', 'b')), [], []],
])('%s', (_name, before, after, items, marks) => {
  it('is marked, in front of everything else', () => {
    const { first } = letGo(before, after, items, context);
    expect(first.flatMap((entry) => (entry.kind === 'close' ? entry.marks : []))).toEqual(marks);
    for (const entry of first) expect(entry).toMatchObject({ kind: 'close' });
  });
});

it('marks last until nothing can hang on them any more', () => {
  const untilOf = (before: CoreState) =>
    letGo(before, result({}), [], context).first.flatMap((entry) =>
      entry.kind === 'close' ? [entry.until] : [],
    )[0];
  expect(untilOf(core({ a: task, b: { kind: 'task', deadlineAt: NOW - 1 } }))).toBe(NOW + 2 * HOUR + 60_000);
  expect(untilOf(core({ a: child }))).toBeGreaterThan(NOW + 24 * HOUR);
});

it('a life whose core is lost is marked, whatever it waited for', () => {
  const lost = { ...context, isLost: true };
  const { first } = letGo(core({}), result({}, { status: 'stopped' }), [], lost);
  expect(first).toMatchObject([{ kind: 'close', marks: [lifeMark('m/1', LIFE)] }]);
  expect(letGo(core({}), result({}), [], lost).first).toEqual([]);
});

it.each([
  ['a task', core({ a: task }), ['a']],
  ['a gather', core({ a: scatter }), ['a']],
  [
    'a task whose deadline is over, beyond which no retry is scheduled',
    core({ a: { ...task, deadlineAt: NOW } }),
    [],
  ],
  ['a child, which has retries of its own', core({ a: child }), []],
])('retries are taken back of %s', (_name, before, executions) => {
  expect(letGo(before, result({}), [], context).last).toEqual(
    executions.map((id) => ({ kind: 'cancel', entity: 'actor.m', execution: id })),
  );
});
