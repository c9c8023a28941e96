/** Gives the disk back what a drained file no longer needs: at a start and while nobody writes, when that is quick. */
import type { DatabaseSync } from 'node:sqlite';
import { SQLITE_FULL, sqliteCode } from './file.ts';
import { PAGE_BYTES, pragma } from './settings.ts';

const MIB = 1024 * 1024;

/** Free pages are used again, so a file that is busy is better left as it is. */
const FROM_FREE_BYTES = 64 * MIB;
/** What is left is copied, in about a second a 100 MB. */
const TO_USED_BYTES = 64 * MIB;
/** Of a running broker, which stands still for that long. */
const TO_USED_AT_REST_BYTES = 16 * MIB;
/** So much of a file may be free for what comes next. */
const SPARE = 1 / 8;
const SPARE_BYTES = 64 * 1024;

export function shrink(db: DatabaseSync): void {
  const { free, used } = sizeOf(db);
  if (free < FROM_FREE_BYTES || used > TO_USED_BYTES) return;
  // The size of pages can be changed outside of WAL only.
  copyOver(db, `PRAGMA journal_mode = DELETE; PRAGMA page_size = ${PAGE_BYTES}; VACUUM`);
}

/** Returns whether the file was copied. Between two commits, and with no statement half read. */
export function shrinkAtRest(db: DatabaseSync): boolean {
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

/** Without room for a copy the file stays as it is. */
function copyOver(db: DatabaseSync, statements: string): void {
  try {
    db.exec(statements);
  } catch (error) {
    if (sqliteCode(error) !== SQLITE_FULL) throw error;
  }
}
