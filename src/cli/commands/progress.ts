// Live progress of one actor, from queries alone: what any client could see.
import type { QuorateClient } from '../../contract/client.ts';
import type { Json } from '../../contract/json.ts';
import type { QueryAnswer } from '../../contract/wire.ts';
import type { Terminal } from '../shared/terminal.ts';

const REDRAW_MS = 200;
const QUERY_TIMEOUT_MS = 5_000;
const BAR_CELLS = 24;
/** Without a terminal a gather says so at every tenth. */
const STEPS = 10;

export type Progress = Pick<QueryAnswer, 'status' | 'value' | 'gathers'>;

/** 'a', or for nested and parallel states 'a.b' and 'a.b, c.d'. */
export function formatState(value: Json): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return String(value);
  const parts = Object.entries(value).map(([name, inner]) => {
    const rest = formatState(inner);
    return rest === '' ? name : `${name}.${rest}`;
  });
  return parts.join(', ');
}

export function formatProgress({ value, gathers }: Progress, bar: boolean): string {
  const parts = gathers.map((gather) => {
    const done = gather.ok + gather.failed;
    const counts = `${done}/${gather.total}${gather.failed > 0 ? ` (${gather.failed} failed)` : ''}`;
    return bar ? `${drawBar(done, gather.total)} ${counts}` : counts;
  });
  return [formatState(value), ...parts].join('  ');
}

/** Changes when there is something worth a line of its own. */
export function progressStep({ value, gathers }: Progress): string {
  const steps = gathers.map(({ ok, failed, total }) =>
    total === 0 ? STEPS : Math.floor(((ok + failed) * STEPS) / total),
  );
  return JSON.stringify([value, steps]);
}

/** Shows progress until `signal` aborts. What a query cannot answer now, the next one may. */
export async function showProgress(options: {
  readonly client: QuorateClient;
  readonly type: string;
  readonly id: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { client, type, id, terminal, signal } = options;
  let last = '';
  while (!signal.aborted) {
    const answer = await client
      .query(type, id, { timeoutMs: QUERY_TIMEOUT_MS, signal })
      .catch(() => undefined);
    if (signal.aborted) break;
    if (answer !== undefined) {
      const progress: Progress = answer;
      if (terminal.interactive) terminal.status(formatProgress(progress, true));
      else if (progressStep(progress) !== last) terminal.line(`  ${formatProgress(progress, false)}`);
      last = progressStep(progress);
    }
    await pause(REDRAW_MS, signal);
  }
  terminal.clear();
}

function drawBar(done: number, total: number): string {
  const full = total === 0 ? BAR_CELLS : Math.min(BAR_CELLS, Math.floor((done * BAR_CELLS) / total));
  return '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
