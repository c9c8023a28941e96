import { expect, it } from 'vitest';
import { letGo, takeRetriesBack } from '../../../../src/actors/host/let-go.ts';
import { inLife } from '../../../../src/actors/protocol/lives.ts';
import { noteRetry } from '../../../../src/actors/protocol/retries.ts';
import type { CoreState, TurnInput, TurnResult } from '../../../../src/contract/turn.ts';
import { memoryResults } from '../../../kit/memory-storage.ts';

const NOW = 1_000;
const place = { entity: 'actor.m', now: NOW };

function core(executions: Record<string, object>): CoreState {
  return { executions } as unknown as CoreState;
}

const task = { kind: 'task', deadlineAt: NOW + 1 };
const gather = (execution: string, ok: number, failed: number): TurnResult['gathers'] =>
  [{ execution, gather: { ok, failed, total: 3 } }] as unknown as TurnResult['gathers'];
const reply = (execution: string, branch?: number): { input: TurnInput } => ({
  input: { kind: 'reply', execution, ...(branch === undefined ? {} : { branch }) } as unknown as TurnInput,
});

it.each([
  ['a task that is left', core({ a: task }), [], [], ['a']],
  ['a task that is answered', core({ a: task }), [], [reply('a')], []],
  ['a task whose deadline is over', core({ a: { kind: 'task', deadlineAt: NOW } }), [], [], []],
  ['a child', core({ a: { kind: 'child' } }), [], [], []],
  [
    'a gather that has enough',
    core({ a: { ...task, kind: 'scatter' } }),
    gather('a', 1, 1),
    [reply('a', 0)],
    ['a'],
  ],
  [
    'a gather that has all',
    core({ a: { ...task, kind: 'scatter' } }),
    gather('a', 2, 1),
    [reply('a', 0)],
    [],
  ],
  ['a gather that is left', core({ a: { ...task, kind: 'scatter' } }), [], [], ['a']],
  ['nothing before', null, [], [], []],
])('%s', (_, before, gathers, items, executions) => {
  const entries = letGo(before, { state: core({}), gathers }, items, place);
  expect(entries).toEqual(executions.map((execution) => ({ kind: 'cancel', entity: 'actor.m', execution })));
  expect(letGo(before, { state: before, gathers: [] }, [], place)).toEqual([]);
});

it('of the two, agent and asker, the later one sees the other', async () => {
  const cancelled: unknown[] = [];
  const context = {
    incarnation: 'i',
    family: 'test/m/1',
    results: memoryResults(),
    bridge: {
      cancelScheduled: async (entity: string, numbers: readonly number[]) => {
        cancelled.push([entity, [...numbers].toSorted((one, other) => one - other)]);
        return [];
      },
    },
    clock: { now: () => NOW },
  };
  const note = (key: string, sequenceNumber: number, dueAt = NOW + 1) =>
    noteRetry(
      context.results,
      { family: context.family, execution: inLife('a', 'i'), key },
      { entity: 'agent.x', sequenceNumber, dueAt },
    );
  expect(await note('k1', 1)).toBe(false);
  expect(await note('k2', 2)).toBe(false);
  expect(await note('k1', 3)).toBe(false);
  expect(await note('due', 4, NOW)).toBe(false);
  const close = [{ kind: 'cancel', entity: 'actor.m', execution: 'a' }] as const;
  await takeRetriesBack([{ kind: 'cancel', entity: 'actor.m', token: 't' }, ...close], context);
  expect(cancelled).toEqual([['agent.x', [2, 3]]]);
  expect(await note('k3', 5)).toBe(true);
});
