// The SQLite file that all hosts of a data folder share: results of tasks, what is cancelled, who runs which task, and what is
// streamed. What comes in one turn of the event loop is one transaction; while another host commits, this one waits and does other work meanwhile.
import { appendFileSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileFault } from '../common/file-faults.ts';
import { type ErrorCode, QuorateError } from '../contract/errors.ts';
import { ownFile } from './owner-only.ts';

/** "QRes", so that no other file is taken for one. */
const APPLICATION_ID = 0x51526573;
const FORMAT = 1;
const CACHE_KB = 1024;
/** Pause while another host commits, which takes a tenth of it. This thread does other work meanwhile. */
const BUSY_PAUSE_MS = 2;
/** Longest wait for a host that was stopped in the middle of a commit. */
const MAX_BUSY_MS = 60_000;
const SQLITE_BUSY = 5;
/** PERM, READONLY, FULL; IOERR. */
const OF_SYSTEM: Readonly<Record<number, ErrorCode>> = {
  3: 'DATA_UNWRITABLE',
  8: 'DATA_UNWRITABLE',
  13: 'DATA_UNWRITABLE',
  10: 'DISK_FAILED',
};

/** Made as well in files of earlier builds, which keep their format: hosts of those builds go on using them. */
const LATER_TABLES = `
  CREATE TABLE IF NOT EXISTS cancelled (
    mark TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS task_claim (
    place TEXT NOT NULL PRIMARY KEY, process TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS process (
    name TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS stream (
    at INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT NOT NULL, writer TEXT NOT NULL, packed BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS stream_place ON stream (place, at);
  CREATE TABLE IF NOT EXISTS stream_writer (
    place TEXT NOT NULL, writer TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (place, writer)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS stream_reader (
    place TEXT NOT NULL, session TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (place, session)
  ) STRICT, WITHOUT ROWID`;

const TABLES = `
  BEGIN IMMEDIATE;
  ${LATER_TABLES};
  CREATE TABLE IF NOT EXISTS result (
    folder TEXT NOT NULL, key TEXT NOT NULL, packed BLOB, PRIMARY KEY (folder, key)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT};
  COMMIT`;

/** Part of the next transaction. */
interface Write {
  readonly run: () => void;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Throws RESULTS_UNREADABLE for a file of another program, a damaged one, or one of a newer format. */
export async function openDatabase(file: string): Promise<Database> {
  try {
    // Also while others make the file.
    return new Database(await unlessBusy(() => open(file)), file);
  } catch (error) {
    throw faultOf(error, file);
  }
}

export class Database {
  readonly #db: DatabaseSync;
  readonly #file: string;
  #waiting: Write[] = [];
  #committing = false;

  constructor(db: DatabaseSync, file: string) {
    this.#db = db;
    this.#file = file;
  }

  prepare(sql: string): StatementSync {
    return this.#db.prepare(sql);
  }

  /** Statements of their own, which need no transaction with others. */
  now<T>(work: () => T): Promise<T> {
    return unlessBusy(work);
  }

  /** In the next transaction, with what others bring until then. Run again where another host was in between. */
  together(run: () => void): Promise<void> {
    return new Promise<void>((done, failed) => {
      this.#waiting.push({ run, done, failed });
      if (!this.#committing) void this.#commit();
    });
  }

  close(): void {
    this.#db.close();
  }

  async #commit(): Promise<void> {
    this.#committing = true;
    while (this.#waiting.length > 0) {
      await new Promise(setImmediate);
      const writes = this.#waiting.splice(0);
      try {
        await unlessBusy(() => this.#write(writes));
        for (const { done } of writes) done();
      } catch (error) {
        const fault = faultOf(error, this.#file);
        for (const { failed } of writes) failed(fault);
      }
    }
    this.#committing = false;
  }

  #write(writes: readonly Write[]): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      for (const { run } of writes) run();
      this.#db.exec('COMMIT');
    } finally {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    }
  }
}

/** NOTADB, CORRUPT and what `prepare` refuses are in the file; of all else the system is asked by opening it. */
function faultOf(error: unknown, file: string): QuorateError {
  try {
    appendFileSync(file, '');
  } catch (thrown) {
    const fault = fileFault(thrown, `the file of results ${file}`);
    if (fault !== undefined) return fault;
  }
  const { message } = error as Error;
  const sqlite = (error as { errcode?: number }).errcode ?? 0;
  const code = OF_SYSTEM[sqlite & 0xff] ?? 'RESULTS_UNREADABLE';
  return new QuorateError(code, `${file}: ${message}`, { cause: error });
}

function open(file: string): DatabaseSync {
  ownFile(file);
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    prepare(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepare(db: DatabaseSync): void {
  const number = (name: string): number => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const isNew = number('schema_version') === 0;
  if (!isNew && number('application_id') !== APPLICATION_ID) throw new Error('it holds something else');
  if (number('user_version') > FORMAT)
    throw new Error(`its format ${number('user_version')} is newer than ${FORMAT}`);
  // The file is whole after any crash. Results that a dying machine takes with it are made again, as if there had been none.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 0');
  db.exec(`PRAGMA cache_size = -${CACHE_KB}`);
  db.exec(isNew ? TABLES : LATER_TABLES);
}

async function unlessBusy<T>(work: () => T): Promise<T> {
  for (const until = performance.now() + MAX_BUSY_MS; ; await sleep(BUSY_PAUSE_MS)) {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error;
    }
  }
}

function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  // The lower byte: the rest says what kept it busy.
  return typeof errcode === 'number' && (errcode & 0xff) === SQLITE_BUSY;
}
