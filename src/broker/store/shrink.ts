/** Gives the disk back what a drained file no longer needs, at a start, while that is quick. */
import type { DatabaseSync } from 'node:sqlite';
import { SQLITE_FULL, sqliteCode } from './file.ts';
import { PAGE_BYTES, pragma } from './settings.ts';

/** Free pages are used again, so a file that is busy is better left as it is. */
const FROM_FREE_BYTES = 64 * 1024 * 1024;
/** What is left is copied, in about a second a 100 MB. */
const TO_USED_BYTES = 64 * 1024 * 1024;

export function shrink(db: DatabaseSync): void {
  const pageBytes = Number(pragma(db, 'page_size'));
  const free = Number(pragma(db, 'freelist_count')) * pageBytes;
  const used = Number(pragma(db, 'page_count')) * pageBytes - free;
  if (free < FROM_FREE_BYTES || used > TO_USED_BYTES) return;
  try {
    // The size of pages can be changed outside of WAL only.
    db.exec(`PRAGMA journal_mode = DELETE; PRAGMA page_size = ${PAGE_BYTES}; VACUUM`);
  } catch (error) {
    if (sqliteCode(error) !== SQLITE_FULL) throw error;
  }
}
