// Files of the broker: only their owner can read them, and what the system says about one is told as what it is.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { BrokerError, type BrokerErrorCode } from './errors.ts';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Mode bit of a folder that many share, such as /tmp, whose mode is not ours to change. */
const STICKY = 0o1000;

/** Makes the folder, or removes the rights of others from one that exists. */
export function ownFolder(folder: string): void {
  makeFolder(folder);
  tighten(folder, FOLDER_MODE);
}

/** Makes folders one by one: Node's own recursion never ends where the parent exists and takes no folder, as in /proc. */
function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  const parent = dirname(resolve(folder));
  if (parent !== folder) makeFolder(parent);
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
  } catch (thrown) {
    // Another process was first.
    if (!isFolder(folder)) throw thrown;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** The same for a database, which SQLite gives the mode of the umask, and for the files that it keeps beside it. */
export function ownFile(file: string): void {
  closeSync(openSync(file, 'a', FILE_MODE));
  for (const each of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(each)) tighten(each, FILE_MODE);
}

/** A file that is there already. */
export function closeFile(file: string): void {
  tighten(file, FILE_MODE);
}

/** Leaves what belongs to somebody else as it is. */
function tighten(path: string, mode: number): void {
  const { uid, mode: now } = statSync(path);
  const others = now & 0o077;
  if (others === 0 || (now & STICKY) !== 0 || uid !== process.getuid?.()) return;
  chmodSync(path, mode);
}

// What the system says about a file is no damage of it. Only what is in a file can be damaged: handles that have run out, a disk
// that fails or is full, a folder without rights are said as what they are, so that nobody resets whole data.

const OF_SYSTEM: Readonly<Record<string, BrokerErrorCode>> = {
  EMFILE: 'BROKER_FILES_EXHAUSTED',
  ENFILE: 'BROKER_FILES_EXHAUSTED',
  ENOSPC: 'BROKER_DATA_UNWRITABLE',
  EDQUOT: 'BROKER_DATA_UNWRITABLE',
  EROFS: 'BROKER_DATA_UNWRITABLE',
  EACCES: 'BROKER_DATA_UNWRITABLE',
  EPERM: 'BROKER_DATA_UNWRITABLE',
  EIO: 'BROKER_DISK_FAILED',
  ENXIO: 'BROKER_DISK_FAILED',
  ESTALE: 'BROKER_DISK_FAILED',
  ETIMEDOUT: 'BROKER_DISK_FAILED',
};
/** PERM, READONLY, FULL, AUTH; IOERR; CANTOPEN, of which SQLite does not say why. */
const UNWRITABLE = new Set([3, 8, 13, 23]);
const IO_ERROR = 10;
const CANNOT_OPEN = 14;

/** Undefined where the contents are at fault, or nothing is known. `sqlite` is its primary result code. */
export function fileFault(error: unknown, file: string, sqlite: number | undefined): BrokerError | undefined {
  const told = systemCode(error);
  if (told !== undefined) return fault(OF_SYSTEM[told], file, error);
  if (sqlite === undefined) return undefined;
  if (UNWRITABLE.has(sqlite)) return fault('BROKER_DATA_UNWRITABLE', file, error);
  if (sqlite !== IO_ERROR && sqlite !== CANNOT_OPEN) return undefined;
  const asked = whyNot(file);
  if (asked !== undefined) return fault(OF_SYSTEM[systemCode(asked) ?? ''], file, asked);
  return sqlite === IO_ERROR ? fault('BROKER_DISK_FAILED', file, error) : undefined;
}

function fault(code: BrokerErrorCode | undefined, file: string, error: unknown): BrokerError | undefined {
  if (code === undefined) return undefined;
  const why = error instanceof Error ? error.message : String(error);
  return new BrokerError(code, `${file} cannot be used: ${why}.`, { file, why });
}

/** What the system itself says when it is asked for the file and its folder. */
function whyNot(file: string): unknown {
  for (const [path, flags] of [
    [file, 'r+'],
    [`${file}-wal`, 'r+'],
    [dirname(file), 'r'],
  ] as const) {
    try {
      closeSync(openSync(path, flags));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') return error;
    }
  }
  return undefined;
}

function systemCode(error: unknown): string | undefined {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown };
  return typeof code === 'string' && syscall !== undefined ? code : undefined;
}
