/**
 * The files beside the database: who owns the folder, and the key. Each is drafted and renamed into place, so that nobody
 * reads half of one; what cannot be written is refused with its name.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerError } from './errors.ts';
import { closeFile, fileFault, ownFolder } from './files.ts';

const RECORD = 'broker.json';
const KEY = 'key';
const OWNER_ONLY = 0o600;
export const DEFAULT_KEY_NAME = 'RootManageSharedAccessKey';

/** How other processes of this user find a running broker: `broker.json` of its data folder. */
export interface BrokerRecord {
  pid: number;
  port: number;
  connectionString: string;
  /** Time stands still until it is skipped: a process that reads another clock is wrong. */
  time?: 'virtual';
}

/** The record of the broker that runs on a data folder; undefined when there is no whole record. Its process may be gone already. */
export function readBrokerRecord(folder: string): BrokerRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(folder, RECORD), 'utf8'));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

export function writeBrokerRecord(folder: string, record: BrokerRecord): void {
  putFile(join(folder, RECORD), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Unless another process owns the folder by now. What cannot be removed names a process that is gone. */
export function removeBrokerRecord(folder: string): void {
  if (readBrokerRecord(folder)?.pid !== process.pid) return;
  try {
    rmSync(join(folder, RECORD), { force: true });
  } catch {
    // The next owner writes over it.
  }
}

/** A small file that only its owner can read, whole or not at all. */
export function putFile(file: string, text: string): void {
  const draft = `${file}.${process.pid}`;
  try {
    // One that was left behind may have another mode.
    rmSync(draft, { force: true });
    writeFileSync(draft, text, { mode: OWNER_ONLY, flag: 'wx' });
    renameSync(draft, file);
  } catch (error) {
    removeDraft(draft);
    throw fileFault(error, file, undefined) ?? unwritable(file, error);
  }
}

function removeDraft(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch {
    // It is what stood in the way.
  }
}

export function unwritable(file: string, error: unknown): BrokerError {
  const why = error instanceof Error ? error.message : String(error);
  return new BrokerError('BROKER_DATA_UNWRITABLE', `${file} cannot be written: ${why}.`, { file, why });
}

export function prepareFolder(folder: string): void {
  try {
    ownFolder(folder);
  } catch (error) {
    throw fileFault(error, folder, undefined) ?? unwritable(folder, error);
  }
}

export function keyFile(folder: string): string {
  return join(folder, KEY);
}

/** The folder's key, drawn at its first use. */
export function keptKey(folder: string): string {
  const file = keyFile(folder);
  const kept = readKey(file);
  if (kept !== '') {
    closeFile(file);
    return kept;
  }
  const key = drawKey();
  putFile(file, `${key}\n`);
  return key;
}

/** An empty one is of a process that died while it wrote it: nobody was told of that key. */
function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    const fault = fileFault(error, file, undefined);
    if (fault !== undefined) throw fault;
    throw new BrokerError('BROKER_DATA_UNREADABLE', `The key ${file} cannot be read: ${String(error)}.`, {
      file,
      why: String(error),
    });
  }
}

export function drawKey(): string {
  return randomBytes(32).toString('base64');
}

function isRecord(value: unknown): value is BrokerRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'port' in value &&
    typeof value.port === 'number' &&
    'connectionString' in value &&
    typeof value.connectionString === 'string'
  );
}
