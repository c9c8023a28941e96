// What the console asks of the index. Lists are paged by key, counts are capped, and what a user typed is a bound parameter: each answer
// takes milliseconds with 100,000 actors.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Json } from '../../contract/json.ts';
import type { ProcessRecord } from '../../contract/records.ts';
import {
  type ActorDetail,
  type ActorFilter,
  type ActorPage,
  type ActorQuery,
  type ActorRow,
  type CostLine,
  type Living,
  MOST_COUNTED,
  type ProcessRow,
  type Shown,
  type StateCount,
  type TypeSummary,
} from '../protocol.ts';
import { attentionIn } from './attention.ts';
import { readCursor, SORTS, whereOf } from './filter.ts';
import { gapsIn, type IndexRow, LIVING, parse, toActorRow } from './rows.ts';

const DEFAULT_LIMIT = 100;
const MOST_STEPS = 500;
const MOST_CHILDREN = 200;
const MOST_ANCESTORS = 16;
/** Told every ten seconds. */
const SILENT_AFTER_MS = 35_000;
const NO_LONGER_SHOWN_MS = 3_600_000;

export class IndexReader {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  actors(query: ActorQuery): ActorPage {
    const { limit = DEFAULT_LIMIT, after, sort = 'changed' } = query;
    const { where, values } = whereOf(query);
    const { column, direction } = SORTS[sort];
    const cursor = readCursor(after);
    // Only those that cost something are sorted by it.
    const costly = sort === 'cost' ? 'AND micro_usd > 0' : '';
    const compare = direction === 'DESC' ? '<' : '>';
    const behind = cursor === undefined ? '' : `AND (${column}, key) ${compare} (?, ?)`;
    const rows = this.#all(
      `SELECT *, ${column} AS sorted FROM actor WHERE ${where} ${costly} ${behind} ORDER BY ${column} ${direction}, key ${direction} LIMIT ?`,
      [...values, ...(cursor ?? []), limit + 1],
    );
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      rows: page.map(toActorRow),
      ...(rows.length > limit && last !== undefined
        ? { after: `${String(last['sorted'])}:${String(last['key'])}` }
        : {}),
      count: this.count(query),
    };
  }

  count(filter: ActorFilter): number {
    const { where, values } = whereOf(filter);
    const [row] = this.#all(`SELECT count(*) AS n FROM (SELECT 1 FROM actor WHERE ${where} LIMIT ?)`, [
      ...values,
      MOST_COUNTED + 1,
    ]);
    return Number(row?.['n'] ?? 0);
  }

  actor(address: string): ActorDetail | undefined {
    const [row] = this.#all("SELECT * FROM actor WHERE address = ? AND status <> 'gone'", [address]);
    if (row === undefined) return undefined;
    const actor = toActorRow(row);
    const { key = 0, life = 0 } = row;
    const newest = 'SELECT * FROM step WHERE actor = ? AND life = ? ORDER BY turn DESC, n DESC LIMIT ?';
    const steps = this.#all(newest, [key, life, MOST_STEPS]).toReversed();
    const told = this.#all(
      'SELECT after_turn, to_turn FROM told WHERE actor = ? AND life = ? ORDER BY after_turn',
      [key, life],
    );
    const children = this.#all(
      "SELECT * FROM actor WHERE parent = ? AND status <> 'gone' ORDER BY changed_at DESC LIMIT ?",
      [address, MOST_CHILDREN],
    );
    return {
      actor,
      steps: steps.map((step) => ({
        turn: Number(step['turn']),
        at: Number(step['at']),
        event: String(step['event']),
        value: parse(step['value']),
        effects: step['effects'] === null ? [] : (parse(step['effects']) as string[]),
      })),
      gaps: gapsIn(told, actor.turn),
      ancestors: this.#ancestorsOf(actor),
      children: children.map(toActorRow),
    };
  }

  #ancestorsOf({ parent }: ActorRow): ActorRow[] {
    const ancestors: ActorRow[] = [];
    for (let next = parent; next !== undefined && ancestors.length < MOST_ANCESTORS; ) {
      const [row] = this.#all("SELECT * FROM actor WHERE address = ? AND status <> 'gone'", [next]);
      if (row === undefined) break;
      const found = toActorRow(row);
      ancestors.unshift(found);
      next = found.parent;
    }
    return ancestors;
  }

  types(now: number): TypeSummary[] {
    const counts = this.#all('SELECT type, shown, sum(n) AS n FROM tally GROUP BY type, shown');
    const versions = this.#all(
      `SELECT type, version, sum(n) AS n FROM tally WHERE ${LIVING} GROUP BY type, version`,
    );
    const summaries = new Map<
      string,
      {
        type: string;
        counts: Partial<Record<Shown, number>>;
        versions: Record<string, number>;
        served: string[];
      }
    >();
    const of = (type: string) => {
      const known = summaries.get(type) ?? { type, counts: {}, versions: {}, served: [] };
      summaries.set(type, known);
      return known;
    };
    for (const { type, shown, n } of counts) of(String(type)).counts[shown as Shown] = Number(n);
    for (const { type, version, n } of versions) of(String(type)).versions[String(version)] = Number(n);
    for (const process of this.processes(now)) {
      if (process.state !== 'alive') continue;
      for (const [type, version] of Object.entries(process.machines)) {
        const { served } = of(type);
        if (!served.includes(version)) served.push(version);
      }
    }
    return [...summaries.values()].toSorted((a, b) => (a.type < b.type ? -1 : 1));
  }

  states(type: string, version?: string): StateCount[] {
    const rows = this.#all(
      `SELECT value, sum(n) AS n FROM tally WHERE type = ? AND ${LIVING} ${version === undefined ? '' : 'AND version = ?'}
       GROUP BY value ORDER BY n DESC LIMIT 500`,
      version === undefined ? [type] : [type, version],
    );
    return rows.map(({ value, n }) => ({ value: String(value), count: Number(n) }));
  }

  definition(type: string, version?: string): Json | undefined {
    const [row] = this.#all(
      `SELECT definition FROM machine WHERE type = ? ${version === undefined ? '' : 'AND version = ?'} ORDER BY seen_at DESC LIMIT 1`,
      version === undefined ? [type] : [type, version],
    );
    return row === undefined ? undefined : parse(row['definition']);
  }

  processes(now: number): ProcessRow[] {
    const rows = this.#all('SELECT seen_at, record FROM process WHERE seen_at > ? ORDER BY id', [
      now - NO_LONGER_SHOWN_MS,
    ]);
    return rows.map(({ seen_at: seen, record }) => {
      const { kind: _kind, at: _at, stopped, ...process } = parse(record) as unknown as ProcessRecord;
      const seenAt = Number(seen);
      const isSilent = seenAt < now - SILENT_AFTER_MS;
      return { ...process, seenAt, state: stopped === true ? 'stopped' : isSilent ? 'silent' : 'alive' };
    });
  }

  attention(now: number) {
    return attentionIn((sql, values) => this.#all(sql, values), this.processes(now), now);
  }

  /** What was used since, by type, tenant or run; the dearest first. */
  costs(by: 'type' | 'tenant' | 'run', since: number): CostLine[] {
    const column = { type: 'type', tenant: "coalesce(tenant, '')", run: 'address' }[by];
    // What a child used is in the sums of its parent.
    const rows = this.#all(
      `SELECT ${column} AS kind, count(*) AS n, sum(tokens) AS tokens, sum(micro_usd) AS usd FROM actor
       WHERE parent IS NULL AND status <> 'gone' AND changed_at >= ? AND tokens + micro_usd > 0 GROUP BY kind ORDER BY usd DESC, tokens DESC LIMIT 1000`,
      [since],
    );
    return rows.map(({ kind, n, tokens, usd }) => ({
      of: String(kind),
      actors: Number(n),
      tokens: Number(tokens),
      microUsd: Number(usd),
    }));
  }

  living(): Living {
    const states = this.#all(
      `SELECT type, version, value, sum(n) AS n FROM tally WHERE ${LIVING} GROUP BY type, version, value ORDER BY n DESC LIMIT 5000`,
    );
    const machines = this.#all('SELECT type, version, definition FROM machine');
    return {
      states: states.map(({ type, version, value, n }) => ({
        type: String(type),
        version: String(version),
        value: parse(value),
        count: Number(n),
      })),
      machines: machines.map(({ type, version, definition }) => ({
        type: String(type),
        version: String(version),
        definition: parse(definition),
      })),
    };
  }

  views(): { readonly name: string; readonly query: string }[] {
    return this.#all('SELECT name, query FROM view ORDER BY name').map(({ name, query }) => ({
      name: String(name),
      query: String(query),
    }));
  }

  meta(name: string): string | undefined {
    const [row] = this.#all('SELECT value FROM meta WHERE name = ?', [name]);
    return row === undefined ? undefined : String(row['value']);
  }

  /** Which of these have no row that was told of since: a sweep has to look at them. */
  unseen(addresses: readonly string[], since: number): string[] {
    const rows = this.#all(
      `SELECT address FROM actor WHERE seen_at >= ? AND address IN (SELECT value FROM json_each(?))`,
      [since, JSON.stringify(addresses)],
    );
    const seen = new Set(rows.map(({ address }) => String(address)));
    return addresses.filter((address) => !seen.has(address));
  }

  /** Addresses of a type in their order, those that are not forgotten. */
  known(type: string, after: string, limit: number): string[] {
    return this.#all(
      "SELECT address FROM actor WHERE type = ? AND status <> 'gone' AND address > ? ORDER BY address LIMIT ?",
      [type, after, limit],
    ).map(({ address }) => String(address));
  }

  bytes(): number {
    const [row] = this.#all(
      'SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()',
    );
    return Number(row?.['bytes'] ?? 0);
  }

  #all(sql: string, values: readonly SQLInputValue[] = []): IndexRow[] {
    const statement = this.#prepared.get(sql) ?? this.#db.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement.all(...values) as unknown as IndexRow[];
  }
}
