// Opens the broker's data file, or a store in memory, and makes a Store of it; gives the disk back what a drained file no longer
// needs.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ownFile } from '../files.ts';
import { applySettings, PAGE_BYTES, pragma, readSettings } from './database.ts';
import {
  asBrokerError,
  checkThoroughly,
  refuseDamagedFile,
  refuseForeignFile,
  SQLITE_FULL,
  sqliteCode,
  whatIsFull,
} from './file.ts';
import { messageStatements, prepareDropBody } from './message-statements.ts';
import { migrate } from './migrations.ts';
import { APPLICATION_ID, FORMAT, SCHEMA } from './schema.ts';
import { duplicateStatements, entityStatements, sessionStatements } from './statements.ts';
import { type Store, StoreFullError } from './store.ts';
import { Tallies } from './tallies.ts';

// Gives the disk back what a drained file no longer needs: at a start and while nobody writes, when that is quick.

const MIB = 1024 * 1024;

/** Free pages are used again, so a file that is busy is better left as it is. */
const FROM_FREE_BYTES = 64 * MIB;
/** The most used bytes that are copied at a start: it takes about a second a 100 MB. */
const TO_USED_BYTES = 64 * MIB;
/** The most that a running broker copies: it stands still meanwhile. */
const TO_USED_AT_REST_BYTES = 16 * MIB;
/** So much of a file may be free for what comes next. */
const SPARE = 1 / 8;
const SPARE_BYTES = 64 * 1024;

function shrink(db: DatabaseSync): void {
  const { free, used } = sizeOf(db);
  if (free < FROM_FREE_BYTES || used > TO_USED_BYTES) return;
  // The size of pages can be changed outside of WAL only.
  copyOver(db, `PRAGMA journal_mode = DELETE; PRAGMA page_size = ${PAGE_BYTES}; VACUUM`);
}

/** Returns whether the file was copied. Between two commits, and with no statement half read. */
function shrinkAtRest(db: DatabaseSync): boolean {
  const { free, used } = sizeOf(db);
  if (used > TO_USED_AT_REST_BYTES || free <= Math.max(SPARE_BYTES, used * SPARE)) return false;
  copyOver(db, 'VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
  return true;
}

function sizeOf(db: DatabaseSync): { free: number; used: number } {
  const pageBytes = Number(pragma(db, 'page_size'));
  const free = Number(pragma(db, 'freelist_count')) * pageBytes;
  return { free, used: Number(pragma(db, 'page_count')) * pageBytes - free };
}

/** Copies the file over itself. Without room for a copy it stays as it is. */
function copyOver(db: DatabaseSync, statements: string): void {
  try {
    db.exec(statements);
  } catch (error) {
    if (sqliteCode(error) !== SQLITE_FULL) throw error;
  }
}

/** Kept back for settlements: completing a message must work when no send does any more. */
const RESERVE_BYTES = 256 * 1024;
/** What `maxPages` counts. */
const COUNTED_PAGE_BYTES = 4096;
/** SQLite has no more. */
const MAX_PAGES = 1_073_741_823;

export const DATA_FILE = 'broker.db';

interface StoreOptions {
  /** A folder, or undefined for a store that lives and dies with the process. */
  folder: string | undefined;
  maxPages: number | undefined;
}

export function openStore({ folder, maxPages }: StoreOptions): Store {
  if (folder === undefined) return storeOn(openInMemory(), maxPages, undefined);
  const file = join(folder, DATA_FILE);
  const db = openFile(file);
  try {
    return storeOn(db, maxPages, file);
  } catch (error) {
    db.close();
    throw asBrokerError(error, file);
  }
}

function storeOn(db: DatabaseSync, maxPages: number | undefined, file: string | undefined): Store {
  const pageBytes = Number(pragma(db, 'page_size'));
  const limit = Math.min(MAX_PAGES, Math.floor(((maxPages ?? MAX_PAGES) * COUNTED_PAGE_BYTES) / pageBytes));
  const limitPages = (pages: number) => db.exec(`PRAGMA max_page_count = ${Math.min(pages, MAX_PAGES)}`);
  limitPages(limit);
  const tallies = new Tallies(db);

  return {
    ...entityStatements(db, prepareDropBody(db)),
    ...messageStatements(db, tallies),
    ...sessionStatements(db, tallies),
    ...duplicateStatements(db),
    transaction(work) {
      db.exec('BEGIN');
      try {
        work();
        tallies.write();
        db.exec('COMMIT');
      } catch (error) {
        tallies.forget();
        if (db.isTransaction) db.exec('ROLLBACK');
        throw sqliteCode(error) === SQLITE_FULL ? new StoreFullError(whatIsFull(file, maxPages)) : error;
      }
    },
    withReserve(work) {
      limitPages(limit + RESERVE_BYTES / pageBytes);
      try {
        work();
      } finally {
        limitPages(limit);
      }
    },
    shrink: () => shrinkAtRest(db),
    settings: () => readSettings(db),
    close: () => db.close(),
  };
}

function openInMemory(): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  createSchema(db);
  applySettings(db);
  return db;
}

function openFile(file: string): DatabaseSync {
  const db = openWhole(file);
  try {
    // Exclusive before WAL: the lock is taken with the first read, lives as long as the process, and needs no shared memory file.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    const format = Number(pragma(db, 'user_version'));
    if (format === 0) {
      createSchema(db);
    } else {
      checkThoroughly(db, file);
      if (format < FORMAT) migrate(db, format);
      shrink(db);
    }
    applySettings(db);
    db.exec('BEGIN IMMEDIATE; COMMIT');
    return db;
  } catch (error) {
    db.close();
    throw asBrokerError(error, file);
  }
}

function openWhole(file: string): DatabaseSync {
  try {
    refuseForeignFile(file);
    refuseDamagedFile(file);
    ownFile(file);
    return new DatabaseSync(file);
  } catch (error) {
    throw asBrokerError(error, file);
  }
}

function createSchema(db: DatabaseSync): void {
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  db.exec(
    `BEGIN EXCLUSIVE; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}; ${SCHEMA} COMMIT`,
  );
}
