// A character a branch, whatever the gather keeps of its answers.
import { expect, it } from 'vitest';
import { branchesOf } from '../../../../../src/actors/host/questions/branches.ts';
import type { GatherState } from '../../../../../src/contract/turn.ts';

const scatter = (more: Partial<GatherState>) =>
  ({
    kind: 'scatter',
    childId: 'g',
    src: 'g',
    startedAt: 0,
    deadlineAt: 9,
    gather: {
      agents: ['a', 'b'],
      total: 10,
      policy: { kind: 'quorum', count: 2 },
      collect: 'values',
      // Branches 0 to 3.
      answered: Buffer.from([0b1111, 0]).toString('base64'),
      ok: 2,
      failed: 1,
      duplicates: 0,
      counts: {},
      values: [],
      errors: [],
      startedAt: 0,
      links: [],
      ...more,
    },
  }) as const;
const value = (index: number) => ({ index, agent: 'a', value: 1 });
const error = (index: number) => ({ index, agent: 'b', error: { code: 'BOOM', message: 'm' } });

it('tells what each branch came to', () => {
  const told = branchesOf(
    scatter({ values: [value(0), value(3)], rejected: [value(2)], errors: [error(1)] }),
    8,
  );
  expect(told).toEqual({
    cells: 'ofio....--',
    agents: ['a', 'b'],
    policy: { good: 2 },
    deadlineAt: 9,
    failures: [{ branch: 1, code: 'BOOM' }],
  });
});

it('tells what has answered where answers are counted only', () => {
  expect(branchesOf(scatter({ collect: 'counts', errors: [error(1)] }), 10).cells).toBe('afaa......');
});

it('fits in an answer with ten thousand branches, all of them failed', () => {
  const errors = Array.from({ length: 10_000 }, (_, index) => error(index));
  const told = branchesOf(scatter({ total: 10_000, errors }), 10_000);
  expect(told.cells).toHaveLength(10_000);
  expect(told.failures).toHaveLength(100);
});
