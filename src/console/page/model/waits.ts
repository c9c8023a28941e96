// What an actor waits for, in words: in a cell of a list the nearest thing alone, on its own page each of them.
import type { RecordedExecution } from '../../../contract/records.ts';
import type { ActorRow } from '../../protocol.ts';
import { duration, plural } from './text.ts';

export interface Wait {
  readonly id: string;
  /** `agent reviewer`, `actor order/7`, `gather reviews`. */
  readonly what: string;
  readonly child?: string;
  readonly sinceMs: number;
  /** In ms; negative: it has passed. */
  readonly deadlineInMs?: number;
  readonly progress?: string;
}

export function waitsOf(executions: readonly RecordedExecution[], now: number): readonly Wait[] {
  return executions
    .map((one) => ({
      id: one.id,
      what: nameOf(one),
      sinceMs: now - one.startedAt,
      ...(one.child === undefined ? {} : { child: one.child }),
      ...(one.deadlineAt === undefined ? {} : { deadlineInMs: one.deadlineAt - now }),
      ...(one.total === undefined ? {} : { progress: progressOf(one.total, one) }),
    }))
    .toSorted((a, b) => b.sinceMs - a.sinceMs);
}

function nameOf({ kind, agent, child, childId, src }: RecordedExecution): string {
  if (kind === 'scatter') return `gather ${isGenerated(childId) ? src : childId}`;
  if (kind === 'child') return `actor ${child ?? src}`;
  return `agent ${agent ?? src}`;
}

/** An invoke without an id gets one of its place: `0.order.paying`. Nobody has written that. */
function isGenerated(childId: string): boolean {
  return /^\d+\./.test(childId);
}

function progressOf(total: number, { ok = 0, failed = 0 }: RecordedExecution): string {
  return `${ok} of ${total} ok${failed > 0 ? `, ${failed} failed` : ''}, ${total - ok - failed} open`;
}

type Waiting = Pick<ActorRow, 'executions' | 'asks' | 'exhaustedAt' | 'quarantinedAt' | 'timerAt' | 'unsent'>;

export function waitText(row: Waiting, now: number): string {
  if (row.quarantinedAt !== undefined) return `somebody to release it, ${duration(now - row.quarantinedAt)}`;
  if (row.exhaustedAt !== undefined) return `budget, ${duration(now - row.exhaustedAt)}`;
  if (row.asks > 0) return plural(row.asks, 'answer');
  const [first, ...others] = waitsOf(row.executions, now);
  if (first !== undefined)
    return `${first.progress === undefined ? first.what : `${first.what}: ${first.progress}`}${others.length > 0 ? ` and ${others.length} more` : ''}`;
  return row.timerAt === undefined ? '' : `timer ${timerText(row.timerAt, now)}`;
}

export function timerText(at: number, now: number): string {
  return at >= now ? `in ${duration(at - now)}` : `due for ${duration(now - at)}`;
}
