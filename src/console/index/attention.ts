// What a person should look at, found in the index: groups by what they have in common, the most urgent kind first.
import type { SQLInputValue } from 'node:sqlite';
import type { ActorFilter, AttentionGroup, ProcessRow } from '../protocol.ts';
import { type IndexRow, LIVING } from './rows.ts';

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
      GROUPED("due_at < ? AND shown = 'waiting'", 'type', 'due_at'),
      [now - OVERDUE_MS],
      (type) => ({ shown: ['waiting'], type }),
    ),
    ...grouped(
      'slow',
      GROUPED("open_since < ? AND shown = 'waiting'", 'type', 'open_since'),
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
  const groups: AttentionGroup[] = [];
  const add = (what: string, count: number, message: string, filter: ActorFilter, where: string): void => {
    const type = filter.type ?? '';
    const [row] =
      where === ''
        ? ask("SELECT min(changed_at) AS since, address FROM actor WHERE type = ? AND status = 'active'", [
            type,
          ])
        : ask(
            'SELECT open_since AS since, address FROM actor WHERE open_since IS NOT NULL AND type = ? AND waits_for = ? ORDER BY open_since LIMIT 1',
            [type, where],
          );
    const example = row?.['address'];
    groups.push({
      kind: 'unserved',
      what,
      count,
      message,
      ...(typeof example === 'string' ? { example } : {}),
      since: Number(row?.['since'] ?? 0),
      filter,
    });
  };
  for (const { type, n } of ask(`SELECT type, sum(n) AS n FROM tally WHERE ${LIVING} GROUP BY type`)) {
    if (types.has(String(type))) continue;
    const message = 'no living process hosts it: its actors stand still';
    add(`machine ${String(type)}`, Number(n), message, { type: String(type) }, '');
  }
  const waiting = ask(
    `SELECT type, waits_for, sum(n) AS n FROM tally WHERE ${LIVING} AND waits_for <> '' GROUP BY type, waits_for LIMIT ${MOST_GROUPS}`,
  );
  for (const { type, waits_for: list, n } of waiting) {
    // A machine's own promise logic is done where its actors are.
    const missing = String(list)
      .split(',')
      .find((agent) => !agents.has(agent) && !agent.startsWith(`${String(type)}.`));
    if (missing === undefined) continue;
    const filter = { type: String(type), shown: ['waiting' as const] };
    add(`agent ${missing}`, Number(n), 'no living process runs it: its tasks wait', filter, String(list));
  }
  return groups;
}
