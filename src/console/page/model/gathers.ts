// How far a gather is, as a bar and a line of words; and its branches as cells where the answer says which one is which.
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

export type Cell = 'ok' | 'bad' | 'open' | 'unsent';
/** More are shown as a bar alone. */
const MOST_CELLS = 400;

/** One cell a branch, sorted by how it is: the answer has counts alone, so a cell says no number. */
export function cellsOf({ ok, bad, open, unsent, total }: GatherLine): readonly Cell[] {
  if (total > MOST_CELLS) return [];
  const under = Math.max(0, open - unsent);
  return [
    ...Array<Cell>(ok).fill('ok'),
    ...Array<Cell>(bad).fill('bad'),
    ...Array<Cell>(under).fill('open'),
    ...Array<Cell>(Math.min(unsent, open)).fill('unsent'),
  ];
}

export function gatherLabel({ name, total, text }: GatherLine): string {
  return `${name}: ${plural(total, 'branch', 'branches')}, ${text}`;
}
