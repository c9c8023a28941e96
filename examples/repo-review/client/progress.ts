// Live progress of one actor, from queries alone: what any client could see.
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueryAnswer, RunTerminal } from 'quorate';
import { describeCosts } from './costs.ts';

const REDRAW_MS = 200;
const BAR_CELLS = 24;
/** Without a terminal a gather says so at every tenth. */
const STEPS = 10;

export interface Progress extends Pick<QueryAnswer, 'gathers' | 'costs'> {
  /** The review has states of one level only. */
  readonly value: string;
}

export function formatProgress({ value, gathers, costs }: Progress, bar: boolean): string {
  const parts = gathers.map((gather) => {
    const done = gather.ok + gather.failed;
    const counts = `${done}/${gather.total}${gather.failed > 0 ? ` (${gather.failed} failed)` : ''}`;
    return bar ? `${drawBar(done, gather.total)} ${counts}` : counts;
  });
  const spent = costs === undefined ? [] : [describeCosts(costs)];
  return [value, ...parts, ...spent].join('  ');
}

/** Changes when there is something worth a line of its own. */
export function progressStep({ value, gathers }: Progress): string {
  const steps = gathers.map(({ ok, failed, total }) =>
    total === 0 ? STEPS : Math.floor(((ok + failed) * STEPS) / total),
  );
  return JSON.stringify([value, steps]);
}

/** Shows what `query` answers until `signal` aborts. What cannot be answered now, may be the next time. */
export async function showProgress(
  query: () => Promise<Progress>,
  terminal: RunTerminal,
  signal: AbortSignal,
): Promise<void> {
  let last = '';
  while (!signal.aborted) {
    const progress = await query().catch(() => undefined);
    if (signal.aborted) break;
    if (progress !== undefined) {
      if (terminal.interactive) terminal.status(formatProgress(progress, true));
      else if (progressStep(progress) !== last) terminal.line(`  ${formatProgress(progress, false)}`);
      last = progressStep(progress);
    }
    await sleep(REDRAW_MS, undefined, { signal }).catch(() => undefined);
  }
  terminal.status('');
}

function drawBar(done: number, total: number): string {
  const full = total === 0 ? BAR_CELLS : Math.min(BAR_CELLS, Math.floor((done * BAR_CELLS) / total));
  return '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}
