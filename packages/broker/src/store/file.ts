/** The data file before anything is written: is it ours, whole, and of a format that can be read? */
import { closeSync, existsSync, openSync, readSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { keyFile } from '../data-folder.ts';
import { BrokerError } from '../errors.ts';
import { fileFault } from '../files.ts';
import { pragma } from './database.ts';
import { OLDEST_FORMAT } from './migrations.ts';
import { APPLICATION_ID, FORMAT } from './schema.ts';

const SQLITE_BUSY = 5;
export const SQLITE_FULL = 13;
/**
 * Of what is in the file: ERROR (our statements do not fit its tables), CORRUPT, NOTADB; and IOERR and CANTOPEN where something
 * else than a file has its name.
 */
const UNREADABLE = new Set([1, 10, 11, 14, 26]);
const DAMAGED = new Set([11, 26]);
/** A commit of the largest message, its pages in the log. */
const LEAST_ROOM_BYTES = 4 * 1024 * 1024;
const HEAD_BYTES = 100;
const LOG_HEADER_BYTES = 32;
/** Magic of a log; its last bit says the order of bytes in checksums (sqlite.org/fileformat2.html#walformat). */
const LOG_MAGIC = 0x377f0682;
const SQLITE_MAGIC = 'SQLite format 3\0';
/** A thorough look costs about a second a gigabyte, so only smaller files get it; the rest is read when it is asked for. */
const THOROUGH_CHECK_BYTES = 256 * 1024 * 1024;

/** Checks the file before SQLite does: one that is not ours, or not whole, is never opened for writing. */
export function refuseForeignFile(file: string): void {
  if (!existsSync(file)) return;
  const status = statSync(file);
  if (!status.isFile()) throw unreadable(file, 'it is not a file');
  if (status.size === 0) return refuseEmptied(file);
  const head = headOf(file);
  if (head.toString('latin1', 0, 16) !== SQLITE_MAGIC || head.readUInt32BE(68) !== APPLICATION_ID) {
    throw unreadable(file, 'it is not a broker data file');
  }
  const format = head.readUInt32BE(60);
  if (format > FORMAT) {
    throw unreadable(
      file,
      `its format ${format} is newer than ${FORMAT}, which is the newest that this version knows`,
    );
  }
  if (format < OLDEST_FORMAT) throw unreadable(file, `its format ${format} is unknown`);
}

/** The key comes after the first commit: where there is one, there was a file with something in it. */
function refuseEmptied(file: string): void {
  if (existsSync(keyFile(dirname(file)))) throw unreadable(file, 'it is empty, and it was not before');
}

/** SQLite takes a foreign log for an empty one, and a file without its end for one that never had it. */
export function refuseDamagedFile(file: string): void {
  if (!existsSync(file) || statSync(file).size === 0) return;
  const log = `${file}-wal`;
  const logged = existsSync(log) && statSync(log).size >= LOG_HEADER_BYTES;
  if (logged) return refuseForeignLog(file, headOf(log));
  const head = headOf(file);
  // A page size of 65,536 is written as 1.
  const pageBytes = head.readUInt16BE(16) === 1 ? 65_536 : head.readUInt16BE(16);
  const wanted = pageBytes * head.readUInt32BE(28);
  const { size } = statSync(file);
  if (size < wanted) throw unreadable(file, `it has ${size} bytes instead of ${wanted}`);
}

function refuseForeignLog(file: string, head: Buffer): void {
  const magic = head.readUInt32BE(0);
  // Nothing but zeros: a machine that died while the log was begun.
  if (magic !== 0 && (magic & ~1) !== LOG_MAGIC)
    throw unreadable(file, `its log ${file}-wal is no log of SQLite's`);
}

function headOf(file: string): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    readSync(descriptor, head, 0, head.length, 0);
  } finally {
    closeSync(descriptor);
  }
  return head;
}

export function checkThoroughly(db: DatabaseSync, file: string): void {
  if (statSync(file).size > THOROUGH_CHECK_BYTES) return;
  const verdict = pragma(db, 'quick_check(1)');
  if (verdict !== 'ok') throw unreadable(file, String(verdict));
}

export function asBrokerError(error: unknown, file: string): unknown {
  if (error instanceof BrokerError) return error;
  const code = sqliteCode(error);
  if (code === SQLITE_BUSY) {
    return new BrokerError('BROKER_DATA_IN_USE', `Another broker uses ${file}.`, { file });
  }
  const fault = fileFault(error, file, code);
  if (fault !== undefined) return fault;
  const readable = code === undefined ? !isFileError(error) : !UNREADABLE.has(code);
  return readable ? error : unreadable(file, String(error));
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/**
 * What ended a store that was open: of its statements only damage is the file's fault, for they fitted its tables before. It
 * asks the system, and so only once the store is closed: to close a file anew would let go of the locks on it.
 */
export function asRunningFault(error: unknown, file: string): BrokerError | undefined {
  if (error instanceof BrokerError) return error;
  const code = sqliteCode(error);
  const fault = fileFault(error, file, code);
  if (fault !== undefined) return fault;
  return code !== undefined && DAMAGED.has(code) ? unreadable(file, String(error)) : undefined;
}

/** SQLite says the same of the size that a broker may have and of a disk without room. */
export function whatIsFull(file: string | undefined, maxPages: number | undefined): string {
  const mayBeLimit = maxPages !== undefined || file === undefined;
  if (mayBeLimit && (file === undefined || roomBeside(file) >= LEAST_ROOM_BYTES))
    return 'The broker has reached its size limit';
  return `No room is left on the disk of ${file}`;
}

function roomBeside(file: string): number {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

export function unreadable(file: string, why: string): BrokerError {
  return new BrokerError(
    'BROKER_DATA_UNREADABLE',
    `The broker's data file ${file} cannot be read: ${why}. It was left as it is; move it away or restore a copy.`,
    { file, why },
  );
}

export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  // Extended codes carry the primary one in their low byte.
  return error.errcode & 0xff;
}
