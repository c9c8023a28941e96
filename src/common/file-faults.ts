// Translates errors of the system about our files and sockets into codes of docs/errors.md. Errors of agents travel unchanged
// and do not come here.
import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { type ErrorCode, QuorateError } from '../contract/errors.ts';

const CODES: Readonly<Record<string, ErrorCode>> = {
  EMFILE: 'FILES_EXHAUSTED',
  ENFILE: 'FILES_EXHAUSTED',
  ENOSPC: 'DATA_UNWRITABLE',
  EDQUOT: 'DATA_UNWRITABLE',
  EROFS: 'DATA_UNWRITABLE',
  EACCES: 'DATA_UNWRITABLE',
  EPERM: 'DATA_UNWRITABLE',
  ENOTDIR: 'DATA_UNWRITABLE',
  EEXIST: 'DATA_UNWRITABLE',
  EISDIR: 'DATA_UNWRITABLE',
  ENAMETOOLONG: 'DATA_UNWRITABLE',
  ELOOP: 'DATA_UNWRITABLE',
  EIO: 'DISK_FAILED',
  ENXIO: 'DISK_FAILED',
  ESTALE: 'DISK_FAILED',
};

/** `what` says what was done with which file: "opening /data/results.db". Undefined for an error that is not the system's. */
export function fileFault(thrown: unknown, what: string): QuorateError | undefined {
  const { code, message, syscall } = (thrown ?? {}) as {
    code?: unknown;
    message?: unknown;
    syscall?: unknown;
  };
  const ours = typeof code === 'string' && syscall !== undefined ? CODES[code] : undefined;
  return ours === undefined
    ? undefined
    : new QuorateError(ours, `${what}: ${String(message)}`, { cause: thrown });
}

/** File handles that a host needs: a host that cannot open a socket later serves nobody. */
const HANDLES = 48;
const HANDLES_A_THREAD = 8;

/** Throws FILES_EXHAUSTED where a host could not live: it would say that it is ready, and serve nobody. */
export function checkHandles(threads: number): void {
  const needed = HANDLES + threads * HANDLES_A_THREAD;
  const held: number[] = [];
  try {
    while (held.length < needed) held.push(openSync(devNull, 'r'));
  } catch (thrown) {
    const fault = fileFault(thrown, `a host needs ${needed} file handles, and ${held.length} are left`);
    if (fault !== undefined) throw fault;
  } finally {
    for (const handle of held) closeSync(handle);
  }
}
