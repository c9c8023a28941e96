import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BrokerError } from '../errors.ts';
import { APPLICATION_ID, FORMAT, SCHEMA } from './schema.ts';
import { statementsOf } from './statements.ts';
import { type Store, StoreFullError } from './store.ts';

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
const SQLITE_MAGIC = 'SQLite format 3\0';
/** Pages kept back for settlements: completing a message must work when no send does any more. */
const RESERVE_PAGES = 64;
const DEFAULT_MAX_PAGES = 1_073_741_823;
/** A thorough look costs about a second a gigabyte, so only smaller files get it; the rest is read at recovery. */
const THOROUGH_CHECK_BYTES = 256 * 1024 * 1024;

export const DATA_FILE = 'broker.db';

export interface StoreOptions {
  /** A folder, or undefined for a store that lives and dies with the process. */
  folder: string | undefined;
  maxPages: number | undefined;
}

export function openStore({ folder, maxPages }: StoreOptions): Store {
  const file = folder === undefined ? ':memory:' : join(folder, DATA_FILE);
  if (folder !== undefined) refuseForeignFile(file);
  const db = openDatabase(file, folder === undefined);
  const limit = maxPages ?? DEFAULT_MAX_PAGES;
  db.exec(`PRAGMA max_page_count = ${limit}`);

  return {
    ...statementsOf(db),
    transaction(work) {
      db.exec('BEGIN');
      try {
        work();
        db.exec('COMMIT');
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw errorCode(error) === SQLITE_FULL ? new StoreFullError() : error;
      }
    },
    withReserve(work) {
      db.exec(`PRAGMA max_page_count = ${Math.min(limit + RESERVE_PAGES, DEFAULT_MAX_PAGES)}`);
      try {
        work();
      } finally {
        db.exec(`PRAGMA max_page_count = ${limit}`);
      }
    },
    close: () => db.close(),
  };
}

/** Looks before SQLite does, so that a file that is not ours is never opened for writing. */
function refuseForeignFile(file: string): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const head = Buffer.alloc(100);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  const fileFormat = head.readUInt32BE(60);
  if (head.toString('latin1', 0, 16) !== SQLITE_MAGIC || head.readUInt32BE(68) !== APPLICATION_ID) {
    throw unreadable(file, 'it is not a broker data file');
  }
  if (fileFormat > FORMAT) throw unreadable(file, `its format ${fileFormat} is newer than ${FORMAT}`);
}

function openDatabase(file: string, inMemory: boolean): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    // Exclusive before WAL: the lock is taken with the first read, lives as long as the process, and needs no shared memory file.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    const [version] = values(db, 'PRAGMA user_version');
    if (version === 0) createSchema(db);
    else if (!inMemory && statSync(file).size <= THOROUGH_CHECK_BYTES) checkThoroughly(db, file);
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192');
    db.exec('PRAGMA wal_autocheckpoint = 10000');
    db.exec('BEGIN IMMEDIATE; COMMIT');
    return db;
  } catch (error) {
    db.close();
    throw asBrokerError(error, file);
  }
}

function createSchema(db: DatabaseSync): void {
  db.exec(
    `BEGIN EXCLUSIVE; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}; ${SCHEMA} COMMIT`,
  );
}

function checkThoroughly(db: DatabaseSync, file: string): void {
  const [verdict] = values(db, 'PRAGMA quick_check(1)');
  if (verdict !== 'ok') throw unreadable(file, String(verdict));
}

function values(db: DatabaseSync, sql: string): unknown[] {
  return Object.values(db.prepare(sql).get() ?? {});
}

function asBrokerError(error: unknown, file: string): unknown {
  if (error instanceof BrokerError) return error;
  const code = errorCode(error);
  if (code === SQLITE_BUSY) {
    return new BrokerError('BROKER_DATA_IN_USE', `Another broker uses ${file}.`, { file });
  }
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) return unreadable(file, String(error));
  return error;
}

function unreadable(file: string, why: string): BrokerError {
  return new BrokerError(
    'BROKER_DATA_UNREADABLE',
    `The broker's data file ${file} cannot be read: ${why}. It was left as it is; move it away or restore a copy.`,
    { file, why },
  );
}

function errorCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  // Extended codes carry the primary one in their low byte.
  return error.errcode & 0xff;
}
