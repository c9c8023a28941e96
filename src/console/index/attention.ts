// What a person should look at, found in the index: groups by what they have in common, the most urgent kind first.
import type { SQLInputValue } from 'node:sqlite';
import type { AttentionGroup, ProcessRow } from '../protocol.ts';

/** No table of the index has blobs, and no number is larger than a double holds. */
export type IndexRow = Record<string, string | number | null>;

type Ask = (sql: string, values?: readonly SQLInputValue[]) => IndexRow[];

const MOST_GROUPS = 50;
/** Errors of the last day; older ones are history. */
const ERRORS_MS = 86_400_000;
/** An execution that is open for longer than this is worth a look where it has no deadline nearer than it. */
const SLOW_MS = 3_600_000;

const GROUPED = (where: string, what: string, since: string): string =>
  `SELECT ${what} AS what, count(*) AS n, min(${since}) AS since, max(changed_at) AS last, address, message
   FROM actor WHERE ${where} GROUP BY what ORDER BY n DESC LIMIT ${MOST_GROUPS}`;

export function attentionIn(ask: Ask, processes: readonly ProcessRow[], now: number): AttentionGroup[] {
  const grouped = (
    kind: AttentionGroup['kind'],
    sql: string,
    values: readonly SQLInputValue[],
    filter: (what: string) => AttentionGroup['filter'],
  ): AttentionGroup[] =>
    ask(sql, values).map(({ what, n, since, address, message }) => ({
      kind,
      what: String(what),
      count: Number(n),
      example: String(address),
      ...(typeof message === 'string' ? { message } : {}),
      since: Number(since),
      filter: filter(String(what)),
    }));
  return [
    ...grouped('quarantined', GROUPED("shown = 'quarantined'", 'code', 'quarantined_at'), [], (code) => ({
      shown: ['quarantined'],
      code,
    })),
    ...unserved(ask, processes),
    ...grouped(
      'error',
      GROUPED("shown = 'error' AND changed_at >= ?", 'code', 'changed_at'),
      [now - ERRORS_MS],
      (code) => ({ shown: ['error'], code, since: now - ERRORS_MS }),
    ),
    ...grouped('exhausted', GROUPED("shown = 'exhausted'", 'type', 'exhausted_at'), [], (type) => ({
      shown: ['exhausted'],
      type,
    })),
    ...grouped('asking', GROUPED("shown = 'asking'", 'type', 'changed_at'), [], (type) => ({
      shown: ['asking'],
      type,
    })),
    ...grouped(
      'overdue',
      GROUPED(
        "shown = 'waiting' AND (deadline_at < ? OR timer_at < ?)",
        'type',
        'coalesce(deadline_at, timer_at)',
      ),
      [now - OVERDUE_MS, now - OVERDUE_MS],
      (type) => ({ shown: ['waiting'], type }),
    ),
    ...grouped(
      'slow',
      GROUPED("shown = 'waiting' AND open_since < ?", 'type', 'open_since'),
      [now - SLOW_MS],
      (type) => ({ shown: ['waiting'], type, until: now - SLOW_MS }),
    ),
  ];
}

/** A deadline or a timer is late when nobody has taken notice of it for so long. */
const OVERDUE_MS = 30_000;

/** Living actors of a machine, and tasks of agents, that no process takes. */
function unserved(ask: Ask, processes: readonly ProcessRow[]): AttentionGroup[] {
  const alive = processes.filter(({ state }) => state === 'alive');
  const types = new Set(alive.flatMap(({ machines }) => Object.keys(machines)));
  const agents = new Set(alive.flatMap(({ agents: own }) => own.map(({ name }) => name)));
  const machines = ask(
    `SELECT type AS what, count(*) AS n, min(changed_at) AS since, address FROM actor WHERE status = 'active' GROUP BY type`,
  )
    .filter(({ what }) => !types.has(String(what)))
    .map(({ what, n, since, address }) => ({
      kind: 'unserved' as const,
      what: `machine ${String(what)}`,
      count: Number(n),
      example: String(address),
      message: 'no living process hosts it: its actors stand still',
      since: Number(since),
      filter: { type: String(what) },
    }));
  const waiting = ask(
    `SELECT json_extract(work.value, '$.agent') AS what, count(*) AS n, min(open_since) AS since, address, type
     FROM actor, json_each(executions) AS work
     WHERE shown IN ('waiting', 'asking') AND json_extract(work.value, '$.kind') = 'task' GROUP BY what LIMIT ${MOST_GROUPS}`,
  )
    // A machine's own promise logic is done where its actors are.
    .filter(
      ({ what, type }) =>
        typeof what === 'string' && !agents.has(what) && !what.startsWith(`${String(type)}.`),
    )
    .map(({ what, n, since, address, type }) => ({
      kind: 'unserved' as const,
      what: `agent ${String(what)}`,
      count: Number(n),
      example: String(address),
      message: 'no living process runs it: its tasks wait',
      since: Number(since),
      filter: { type: String(type), shown: ['waiting' as const] },
    }));
  return [...machines, ...waiting];
}
