// Which rows of the index are asked for, as a condition of SQL: what a user typed is a bound parameter. And how they are sorted and paged.
import type { SQLInputValue } from 'node:sqlite';
import { type ActorFilter, MOST_COUNTED } from '../protocol.ts';

export const SORTS = {
  changed: { column: 'changed_at', direction: 'DESC' },
  started: { column: 'started_at', direction: 'DESC' },
  age: { column: 'started_at', direction: 'ASC' },
  cost: { column: 'micro_usd', direction: 'DESC' },
} as const;

interface Where {
  readonly where: string;
  readonly values: readonly SQLInputValue[];
}

export function whereOf({
  type,
  shown,
  state,
  tenant,
  root,
  parent,
  code,
  version,
  text,
  since,
  until,
}: ActorFilter): Where {
  const parts: [sql: string, ...values: SQLInputValue[]][] = [];
  if (shown === undefined) parts.push(["status <> 'gone'"]);
  else parts.push([`shown IN (${shown.map(() => '?').join(', ') || "''"})`, ...shown]);
  if (type !== undefined) parts.push(['type = ?', type]);
  if (state !== undefined) parts.push(['value = ?', state]);
  if (tenant !== undefined) parts.push(['tenant = ?', tenant]);
  if (root !== undefined) parts.push(['root = ?', root]);
  if (parent !== undefined) parts.push(['parent = ?', parent]);
  if (code !== undefined) parts.push(['code = ?', code]);
  if (version !== undefined) parts.push(['version = ?', version]);
  if (since !== undefined) parts.push(['changed_at >= ?', since]);
  if (until !== undefined) parts.push(['changed_at < ?', until]);
  // A quoted phrase of FTS5: what is typed is no language.
  if (text !== undefined)
    parts.push([
      'key IN (SELECT rowid FROM actor_text WHERE actor_text MATCH ? ORDER BY rowid DESC LIMIT ?)',
      `"${text.replaceAll('"', '""')}"`,
      MOST_COUNTED + 1,
    ]);
  return { where: parts.map(([sql]) => sql).join(' AND '), values: parts.flatMap(([, ...values]) => values) };
}

export function readCursor(after: string | undefined): [number, number] | undefined {
  const [sorted, key] = (after ?? '').split(':').map(Number);
  return Number.isFinite(sorted) && Number.isFinite(key) && after !== undefined && after !== ''
    ? [sorted as number, key as number]
    : undefined;
}
