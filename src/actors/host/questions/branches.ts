// What has become of each branch of an open gather, for who asks: a character a branch, so that ten thousand of them fit in an answer.
import { type GatherBranches, recordOf } from '../../../contract/scatter.ts';
import type { Execution, GatherState } from '../../../contract/turn.ts';

/** Failures that are told with their code. */
const MOST_FAILURES = 100;

type Scatter = Extract<Execution, { readonly kind: 'scatter' }>;

/** `sent`: so many branches, the first ones, have left their asker. */
export function branchesOf({ gather, deadlineAt }: Scatter, sent: number): GatherBranches {
  const { agents, errors, policy } = gather;
  const failures = errors
    .slice(0, MOST_FAILURES)
    .map(({ index, error }) => ({ branch: index, code: error.code }));
  return {
    cells: cellsOf(gather, sent),
    agents,
    policy: recordOf(policy),
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
    failures,
  };
}

/** With `collect: 'counts'` nobody knows which of those that answered did so well: `a`. */
function cellsOf(
  { answered, total, values, rejected = [], errors, collect }: GatherState,
  sent: number,
): string {
  const bits = Buffer.from(answered, 'base64');
  const cells = Array.from({ length: total }, (_, branch): string => {
    if ((((bits[branch >> 3] ?? 0) >> (branch & 7)) & 1) === 0) return branch < sent ? '.' : '-';
    return collect === 'values' ? 'o' : 'a';
  });
  for (const { index } of values) cells[index] = 'o';
  for (const { index } of rejected) cells[index] = 'i';
  for (const { index } of errors) cells[index] = 'f';
  return cells.join('');
}
