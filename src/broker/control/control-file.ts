/** Where the control side of a running broker is, and the token that opens it: a file that only its owner can read. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'broker.control.json';
const OWNER_ONLY = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

export interface ControlAddress {
  readonly pid: number;
  readonly port: number;
  readonly token: string;
}

export function writeControlAddress(folder: string, address: ControlAddress): void {
  mkdirSync(folder, { recursive: true, mode: OWNER_ONLY_FOLDER });
  // Renamed into place: nobody reads half of it, and it has its mode from the beginning.
  const draft = join(folder, `${FILE}.${process.pid}`);
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(address)}\n`, { mode: OWNER_ONLY, flag: 'wx' });
  renameSync(draft, join(folder, FILE));
}

export function readControlAddress(folder: string): ControlAddress | undefined {
  try {
    const address: unknown = JSON.parse(readFileSync(join(folder, FILE), 'utf8'));
    return isAddress(address) ? address : undefined;
  } catch {
    return undefined;
  }
}

/** Unless another broker has put its own there. */
export function removeControlAddress(folder: string, { token }: ControlAddress): void {
  if (readControlAddress(folder)?.token === token) rmSync(join(folder, FILE), { force: true });
}

function isAddress(value: unknown): value is ControlAddress {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'port' in value &&
    typeof value.port === 'number' &&
    'token' in value &&
    typeof value.token === 'string'
  );
}
