// Rows of the index as the page gets them.
import type { Json } from '../../contract/json.ts';
import type { RecordedExecution } from '../../contract/records.ts';
import type { ActorRow, Shown, TimelineGap } from '../protocol.ts';

/** No table of the index has blobs, and no number is larger than a double holds. */
export type IndexRow = Record<string, string | number | null>;

/** Of a tally: rows of actors that have not ended. */
export const LIVING = "shown NOT IN ('error', 'done', 'stopped')";

/** Turns between what was told, and up to the newest. */
export function gapsIn(told: readonly IndexRow[], turn: number): TimelineGap[] {
  const gaps: TimelineGap[] = [];
  let reached = 0;
  for (const { after_turn: after, to_turn: to } of told) {
    if (Number(after) > reached) gaps.push({ after: reached, to: Number(after) });
    reached = Math.max(reached, Number(to));
  }
  if (turn > reached) gaps.push({ after: reached, to: turn });
  return gaps;
}

export function parse(text: IndexRow[string] | undefined): Json {
  return JSON.parse(String(text)) as Json;
}

/** Columns that are the fields of the same name, with an underscore for a capital letter; null is absent. */
const OPTIONAL = [
  ['parent', 'parent'],
  ['tenant', 'tenant'],
  ['priority', 'priority'],
  ['ended_at', 'endedAt'],
  ['trace_id', 'traceId'],
  ['code', 'code'],
  ['message', 'message'],
  ['quarantined_at', 'quarantinedAt'],
  ['open_since', 'openSince'],
  ['deadline_at', 'deadlineAt'],
  ['timer_at', 'timerAt'],
  ['exhausted_at', 'exhaustedAt'],
  ['state_bytes', 'stateBytes'],
] as const;

export function toActorRow(row: IndexRow): ActorRow {
  const optional = Object.fromEntries(
    OPTIONAL.flatMap(([column, field]) => (row[column] === null ? [] : [[field, row[column]]])),
  );
  return {
    address: String(row['address']),
    type: String(row['type']),
    id: String(row['id']),
    shown: row['shown'] as Shown,
    status: String(row['status']),
    value: parse(row['value']),
    tags: parse(row['tags']) as string[],
    turn: Number(row['turn']),
    root: String(row['root']),
    startedAt: Number(row['started_at']),
    changedAt: Number(row['changed_at']),
    version: String(row['version']),
    host: String(row['host']),
    executions: parse(row['executions']) as unknown as RecordedExecution[],
    asks: Number(row['asks']),
    unsent: Number(row['unsent']),
    tokens: Number(row['tokens']),
    microUsd: Number(row['micro_usd']),
    ...optional,
  };
}
