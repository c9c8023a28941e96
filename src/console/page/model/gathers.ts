// How far a gather is, as a bar and a line of words; its branches as cells, and its policy in words.
import type { GatherProgress } from '../../../contract/wire.ts';
import { duration, plural } from './text.ts';

export interface GatherLine {
  readonly name: string;
  readonly total: number;
  readonly ok: number;
  /** Failed, or not valid. */
  readonly bad: number;
  readonly open: number;
  readonly unsent: number;
  readonly text: string;
  readonly slowest?: string;
}

export function gatherLine(gather: GatherProgress, now: number): GatherLine {
  const { childId, total, good, failed, invalid, open, unsent = 0, startedAt, slowest } = gather;
  const parts = [
    `${good} of ${total} ok`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(invalid > 0 ? [`${invalid} not valid`] : []),
    ...(open > 0 ? [`${open} open`] : []),
    ...(unsent > 0 ? [`${unsent} of them not sent yet`] : []),
    `for ${duration(now - startedAt)}`,
  ];
  return {
    name: childId,
    total,
    ok: good,
    bad: failed + invalid,
    open,
    unsent,
    text: parts.join(', '),
    ...(slowest === undefined
      ? {}
      : { slowest: `Slowest: branch ${slowest.branch}, agent ${slowest.agent}, ${duration(slowest.ms)}` }),
  };
}

export type Cell = 'ok' | 'bad' | 'invalid' | 'answered' | 'open' | 'unsent';

export interface Branch {
  readonly cell: Cell;
  /** In words, with its number, its agent and why it failed. */
  readonly title: string;
}

/** More are shown as a bar alone. */
const MOST_CELLS = 2_000;
const CELLS: Readonly<Record<string, readonly [Cell, string]>> = {
  o: ['ok', 'answered'],
  f: ['bad', 'failed'],
  i: ['invalid', 'not valid'],
  a: ['answered', 'answered'],
  '.': ['open', 'open'],
  '-': ['unsent', 'not sent yet'],
};

/** One cell a branch, in the order of their numbers. */
export function branchesIn({ branches }: GatherProgress): readonly Branch[] {
  if (branches === undefined || branches.cells.length > MOST_CELLS) return [];
  const { cells, agents, failures } = branches;
  const codes = new Map(failures.map(({ branch, code }) => [branch, code]));
  return Array.from(cells, (letter, branch) => {
    const [cell, words] = CELLS[letter] ?? ['open', 'open'];
    const code = codes.get(branch);
    const why = code === undefined ? '' : `: ${code}`;
    return { cell, title: `branch ${branch}, ${agents[branch % agents.length] ?? ''}: ${words}${why}` };
  });
}

/** When it ends, in the words of its policy. */
export function policyLine({ branches }: GatherProgress, now: number): string | undefined {
  if (branches === undefined) return undefined;
  const { policy, deadlineAt } = branches;
  const { answered, good, afterMs, valid, atLeast } = policy;
  const ends = [
    ...(good === undefined ? [] : [`${good} good ${good === 1 ? 'answer' : 'answers'}`]),
    ...(answered === undefined ? [] : [`${answered} answered`]),
    ...(typeof valid === 'object' ? [`${valid.count} valid by ${valid.by}`] : []),
    ...(afterMs === undefined ? [] : [`after ${duration(afterMs)}`]),
    'all have answered',
  ];
  const least = atLeast === undefined ? '' : `, needs at least ${atLeast}`;
  const left = deadlineAt === undefined ? '' : `; ${deadlineIn(deadlineAt - now)}`;
  return `Ends with ${ends.join(', or ')}${least}${left}`;
}

function deadlineIn(ms: number): string {
  return ms >= 0 ? `deadline in ${duration(ms)}` : `deadline ${duration(-ms)} ago`;
}

export function gatherLabel({ name, total, text }: GatherLine): string {
  return `${name}: ${plural(total, 'branch', 'branches')}, ${text}`;
}
