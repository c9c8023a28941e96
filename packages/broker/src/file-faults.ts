/**
 * What the system says about a file is no damage of it. Only what is in a file can be damaged: handles that have run out, a disk
 * that fails or is full, a folder without rights are said as what they are, so that nobody resets whole data.
 */
import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { BrokerError, type BrokerErrorCode } from './errors.ts';

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
