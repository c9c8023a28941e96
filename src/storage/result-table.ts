// Results of tasks as rows of one SQLite file, which all hosts of a data folder share. A task asks for its result and stores it:
// as a file each that takes ten times the processor time. Only the large ones are files.
import { appendFileSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileFault } from '../common/file-faults.ts';
import { type ErrorCode, QuorateError } from '../contract/errors.ts';
import type { CancellationStore, ResultStore } from '../contract/payload.ts';
import { ownFile } from './owner-only.ts';
import { type Packing, packJson, unpackJson } from './packing.ts';

/** "QRes", so that no other file is taken for one. */
const APPLICATION_ID = 0x51526573;
const FORMAT = 1;
/** A larger result would cost more as pages of a table than as a file. */
const MAX_ROW_BYTES = 16 * 1024;
const CACHE_KB = 1024;
/** Pause while another host commits, which takes a tenth of it. This thread does other work meanwhile. */
const BUSY_PAUSE_MS = 2;
/** Longest wait for a host that was stopped in the middle of a commit. */
const MAX_BUSY_MS = 60_000;
const SQLITE_BUSY = 5;
const BETWEEN_SWEEPS_MS = 60_000;
/** PERM, READONLY, FULL; IOERR. */
const OF_SYSTEM: Readonly<Record<number, ErrorCode>> = {
  3: 'DATA_UNWRITABLE',
  8: 'DATA_UNWRITABLE',
  13: 'DATA_UNWRITABLE',
  10: 'DISK_FAILED',
};

export interface ResultTable extends ResultStore {
  /** In a table of its own; `scope` tells namespaces and prefixes apart that share a data folder. */
  cancellations(scope: string): CancellationStore;
  removeFolder(folder: string): Promise<void>;
  close(): void;
}

interface Write {
  readonly folder: string;
  readonly key: string;
  /** Null: it lies in a file. */
  readonly packed: Uint8Array | null;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Throws RESULTS_UNREADABLE for a file of another program, a damaged one, or one of a newer format. */
export async function openResultTable(
  file: string,
  packing: Packing,
  large: ResultStore,
): Promise<ResultTable> {
  try {
    // Also while others make the file.
    return new Table(await unlessBusy(() => open(file)), file, packing, large);
  } catch (error) {
    throw faultOf(error, file);
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
  if (!isNew) {
    // A file of an earlier build keeps its format, so that hosts of that build can still use it.
    db.exec(CANCELLED_TABLE);
    return;
  }
  db.exec(`
    BEGIN IMMEDIATE;
    ${CANCELLED_TABLE};
    CREATE TABLE IF NOT EXISTS result (
      folder TEXT NOT NULL, key TEXT NOT NULL, packed BLOB, PRIMARY KEY (folder, key)
    ) STRICT, WITHOUT ROWID;
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${FORMAT};
    COMMIT`);
}

const CANCELLED_TABLE = `CREATE TABLE IF NOT EXISTS cancelled (
  mark TEXT NOT NULL PRIMARY KEY, until INTEGER NOT NULL
) STRICT, WITHOUT ROWID`;

class Table implements ResultTable {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #packing: Packing;
  readonly #large: ResultStore;
  readonly #select: StatementSync;
  readonly #all: StatementSync;
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  #waiting: Write[] = [];
  #committing = false;

  constructor(db: DatabaseSync, file: string, packing: Packing, large: ResultStore) {
    this.#db = db;
    this.#file = file;
    this.#packing = packing;
    this.#large = large;
    this.#select = db.prepare('SELECT packed FROM result WHERE folder = ? AND key = ?');
    this.#all = db.prepare('SELECT packed FROM result WHERE folder = ? AND packed IS NOT NULL');
    this.#insert = db.prepare('INSERT OR REPLACE INTO result VALUES (?, ?, ?)');
    // Between "/" and "0" lies everything below a folder.
    this.#delete = db.prepare(
      "DELETE FROM result WHERE folder = ?1 OR (folder > ?1 || '/' AND folder < ?1 || '0')",
    );
  }

  async get(folder: string, key: string): ReturnType<ResultStore['get']> {
    const row = await unlessBusy(
      () => this.#select.get(folder, key) as { packed: Uint8Array | null } | undefined,
    );
    if (row === undefined) return undefined;
    return row.packed === null ? this.#large.get(folder, key) : unpackJson(this.#packing, row.packed);
  }

  async put(...[folder, key, value]: Parameters<ResultStore['put']>): Promise<void> {
    let packed: Uint8Array | null = await packJson(this.#packing, value);
    if (packed.length > MAX_ROW_BYTES) {
      await this.#large.put(folder, key, value);
      packed = null;
    }
    await new Promise<void>((done, failed) => {
      this.#waiting.push({ folder, key, packed, done, failed });
      if (!this.#committing) void this.#commit();
    });
  }

  async list(folder: string): ReturnType<ResultStore['list']> {
    const rows = await unlessBusy(() => this.#all.all(folder) as { packed: Uint8Array }[]);
    return Promise.all(rows.map(({ packed }) => unpackJson(this.#packing, packed)));
  }

  cancellations(scope: string): CancellationStore {
    const insert = this.#db.prepare('INSERT INTO cancelled VALUES (?, ?) ON CONFLICT DO NOTHING');
    const select = this.#db.prepare('SELECT 1 FROM cancelled WHERE mark = ?');
    const sweep = this.#db.prepare('DELETE FROM cancelled WHERE until <= ?');
    let sweptAt: number | undefined;
    return {
      put: async (marks, until, now) => {
        sweptAt ??= now;
        const isDue = now - sweptAt >= BETWEEN_SWEEPS_MS;
        if (isDue) sweptAt = now;
        await unlessBusy(() =>
          this.#together(() => {
            for (const mark of marks) insert.run(`${scope}/${mark}`, Math.ceil(until));
            if (isDue) sweep.run(Math.floor(now));
          }),
        );
      },
      find: (marks) => unlessBusy(() => marks.filter((mark) => select.get(`${scope}/${mark}`) !== undefined)),
    };
  }

  async removeFolder(folder: string): Promise<void> {
    await unlessBusy(() => this.#delete.run(folder));
  }

  close(): void {
    this.#db.close();
  }

  /** What the tasks of one turn of the event loop bring shares a transaction. */
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
    this.#together(() => {
      for (const { folder, key, packed } of writes) this.#insert.run(folder, key, packed);
    });
  }

  #together(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } finally {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    }
  }
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
