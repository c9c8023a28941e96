// The timeline of an actor as a list: its steps, the turns that nobody told of, and long idle times folded into one line each.
import type { TimelineGap, TimelineStep } from '../../protocol.ts';

/** Longer without a turn is idle time. */
const IDLE_MS = 60_000;

export type Entry =
  | { readonly kind: 'step'; readonly step: TimelineStep; readonly index: number }
  | { readonly kind: 'gap'; readonly turns: number; readonly key: string }
  /** Turns whose steps were not told one by one, like the answers of a gather. */
  | { readonly kind: 'between'; readonly turns: number; readonly key: string }
  | { readonly kind: 'idle'; readonly ms: number; readonly key: string };

/** Oldest first, as the index gives its steps. */
export function entriesOf(steps: readonly TimelineStep[], gaps: readonly TimelineGap[]): readonly Entry[] {
  const open = gaps.toSorted((a, b) => a.after - b.after);
  const entries: Entry[] = [];
  let at = 0;
  steps.forEach((step, index) => {
    const before = steps[index - 1];
    let isTold = true;
    for (let gap = open[at]; gap !== undefined && gap.after < step.turn; gap = open[at]) {
      entries.push(gapEntry(gap));
      at += 1;
      isTold = false;
    }
    const idle = before === undefined ? 0 : step.at - before.at;
    const between = before === undefined ? 0 : step.turn - before.turn - 1;
    if (isTold && between > 0) entries.push({ kind: 'between', turns: between, key: `between ${step.turn}` });
    else if (idle > IDLE_MS) entries.push({ kind: 'idle', ms: idle, key: `idle ${step.turn}` });
    entries.push({ kind: 'step', step, index });
  });
  for (const gap of open.slice(at)) entries.push(gapEntry(gap));
  return entries;
}

function gapEntry({ after, to }: TimelineGap): Entry {
  return { kind: 'gap', turns: to - after, key: `gap ${after}` };
}

/** Index of the step that shows this turn: the last one at or before it; without a turn the last of all. -1 where there is no step. */
export function stepAt(steps: readonly TimelineStep[], turn: number | undefined): number {
  if (turn === undefined) return steps.length - 1;
  const found = steps.findLastIndex((step) => step.turn <= turn);
  return found === -1 && steps.length > 0 ? 0 : found;
}
