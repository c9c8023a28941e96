/** Where the control side of a running broker is, and the token that opens it: a file that only its owner can read. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepareFolder, putFile } from '../data-folder.ts';

const FILE = 'broker.control.json';

export interface ControlAddress {
  readonly pid: number;
  readonly port: number;
  readonly token: string;
}

export function writeControlAddress(folder: string, address: ControlAddress): void {
  prepareFolder(folder);
  putFile(join(folder, FILE), `${JSON.stringify(address)}\n`);
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
  if (readControlAddress(folder)?.token !== token) return;
  try {
    rmSync(join(folder, FILE), { force: true });
  } catch {
    // The next broker writes over it.
  }
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
