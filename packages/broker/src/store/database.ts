// SQLite as this store uses it: how it is set (benches print what the database then says of itself), and prepared statements
// whose rows travel as arrays.
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';

/** Fewer and fuller pages a commit than SQLite's 4 KB; a file from before keeps what it has. */
export const PAGE_BYTES = 8192;
/** A log of 8 MB: copying it into the file takes some 5 ms, of 40 MB it took 50. */
const CHECKPOINT_PAGES = 1000;
const LOG_LIMIT_BYTES = 16 * 1024 * 1024;
const CACHE_KB = 8192;

/** An acknowledged write is in the log and the log is on disk. */
const DURABILITY = 'journal_mode = WAL, synchronous = FULL';

/** Once the file exists and its format is the present one. */
export function applySettings(db: DatabaseSync): void {
  for (const setting of DURABILITY.split(', ')) db.exec(`PRAGMA ${setting}`);
  db.exec(`PRAGMA cache_size = -${CACHE_KB}`);
  // Pages that are mapped would count as the process's memory.
  db.exec('PRAGMA mmap_size = 0');
  db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  db.exec(`PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES}`);
}

const READ = [
  'journal_mode',
  'synchronous',
  'page_size',
  'cache_size',
  'mmap_size',
  'wal_autocheckpoint',
  'journal_size_limit',
  'locking_mode',
] as const;

export type Settings = Record<(typeof READ)[number], string | number>;

/** What the open database says. */
export function readSettings(db: DatabaseSync): Settings {
  return Object.fromEntries(READ.map((name) => [name, pragma(db, name)])) as Settings;
}

export function pragma(db: DatabaseSync, name: string): string | number {
  const [value] = Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {});
  return typeof value === 'number' ? value : String(value);
}

// Prepared statements whose rows travel as arrays, which halves the time that reading many of them takes.

export type Row = SQLOutputValue[];

interface RowStatement {
  run(...values: SQLInputValue[]): ReturnType<StatementSync['run']>;
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
  /** A caller that stops early ends the statement. */
  each(...values: SQLInputValue[]): Iterable<Row>;
}

/** Every statement is prepared once. */
export function prepare(db: DatabaseSync, sql: string): RowStatement {
  const statement = db.prepare(sql);
  statement.setReturnArrays(true);
  return {
    run: (...values) => statement.run(...values),
    get: (...values) => statement.get(...values) as unknown as Row | undefined,
    all: (...values) => statement.all(...values) as unknown as Row[],
    each: (...values) => statement.iterate(...values) as unknown as Iterable<Row>,
  };
}

export function toBuffer(value: SQLOutputValue | undefined): Buffer | undefined {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : undefined;
}
