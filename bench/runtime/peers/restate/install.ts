// Restate's server and SDK from npm, in a folder of the machine's temporary folder that later runs find again. Never a
// dependency of the package.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SERVER = '1.7.12';
const SDK = '1.17.2';
const PACKAGES = [`@restatedev/restate-server@${SERVER}`, `@restatedev/restate-sdk@${SDK}`];

/** Where `node_modules` is. */
export async function installRestate(): Promise<string> {
  const folder = join(tmpdir(), `quorate-bench-restate-${SERVER}-${SDK}`);
  const done = join(folder, 'installed');
  if (existsSync(done)) return folder;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...PACKAGES];
  await promisify(execFile)('npm', args, { cwd: folder });
  await writeFile(done, '');
  return folder;
}
