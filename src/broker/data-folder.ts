/** The files beside the database: who owns the folder, and the key. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerError } from './errors.ts';

const RECORD = 'broker.json';
const KEY = 'key';
const OWNER_ONLY = 0o600;
export const DEFAULT_KEY_NAME = 'RootManageSharedAccessKey';

export interface BrokerRecord {
  pid: number;
  port: number;
  connectionString: string;
}

export function readBrokerRecord(folder: string): BrokerRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(folder, RECORD), 'utf8'));
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

export function writeBrokerRecord(folder: string, record: BrokerRecord): void {
  // Renamed into place: a reader never sees half of it.
  const draft = join(folder, `${RECORD}.${process.pid}`);
  writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`, { mode: OWNER_ONLY });
  renameSync(draft, join(folder, RECORD));
}

export function removeBrokerRecord(folder: string): void {
  rmSync(join(folder, RECORD), { force: true });
}

export function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new BrokerError(
      'BROKER_DATA_UNREADABLE',
      `There can be no data folder ${folder}: ${String(error)}.`,
      {
        folder,
        why: String(error),
      },
    );
  }
}

export function keyFile(folder: string): string {
  return join(folder, KEY);
}

/** The folder's key, drawn at its first use. */
export function keptKey(folder: string): string {
  const file = keyFile(folder);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    const key = drawKey();
    writeFileSync(file, `${key}\n`, { mode: OWNER_ONLY });
    return key;
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
