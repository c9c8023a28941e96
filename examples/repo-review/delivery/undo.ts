// Puts the output folder back as it was, byte for byte, from wherever the delivery got to. May itself die and run again.
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../lib/failure.ts';
import { exists } from '../lib/files.ts';
import { runFiles } from '../lib/run-folder.ts';
import { type Before, closeDelivery, type Journal, readJournal } from './journal.ts';
import type { Point } from './steps.ts';

const PERMISSIONS = 0o7777;

/** Undoes `publish`. */
export async function unpublish(run: string, point: Point): Promise<void> {
  const journal = await closed(run, point);
  if (journal !== undefined) await restore(run, journal, point);
}

/** Undoes `write`. */
export async function unwrite(run: string, point: Point): Promise<void> {
  const journal = await closed(run, point);
  if (journal === undefined) return;
  await rm(journal.staging, { recursive: true, force: true });
  await point('undo:documents');
}

/** Undoes `stage`, and whatever the other two have not come to: the last one of all puts everything right. */
export async function unstage(run: string, point: Point): Promise<void> {
  const journal = await closed(run, point);
  if (journal === undefined) return;
  await restore(run, journal, point);
  await clear(journal, point);
}

async function closed(run: string, point: Point): Promise<Journal | undefined> {
  await closeDelivery(run);
  await point('undo:closed');
  return readJournal(run);
}

/** What publishing replaced. Without `before` nothing was replaced yet. */
async function restore(run: string, journal: Journal, point: Point): Promise<void> {
  for (const [name, before] of Object.entries(journal.before ?? {})) {
    const path = join(journal.target, name);
    if (before.kind === 'absent') await rm(path, { force: true });
    else if (!(await isAsBefore(run, name, path, before))) await putBack(run, journal, name, before);
    await point(`undo:${name}`);
  }
}

async function isAsBefore(run: string, name: string, path: string, before: Before): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return false;
  if (before.kind === 'link') return stats.isSymbolicLink() && (await readlink(path)) === before.target;
  if (before.kind !== 'file' || !stats.isFile() || stats.mode !== before.mode) return false;
  const [now, then] = await Promise.all([readFile(path), readFile(runFiles.before(run, name))]);
  return now.equals(then);
}

/** Made in the staging folder, then renamed: there is no instant at which the name holds half of it. */
async function putBack(
  run: string,
  { staging, target }: Journal,
  name: string,
  before: Before,
): Promise<void> {
  await mkdir(target, { recursive: true });
  await mkdir(staging, { recursive: true });
  const temporary = join(staging, `${name}.before`);
  await rm(temporary, { force: true });
  if (before.kind === 'link') await symlink(before.target, temporary);
  if (before.kind === 'file') {
    await copyFile(runFiles.before(run, name), temporary);
    await chmod(temporary, before.mode & PERMISSIONS);
  }
  await rename(temporary, join(target, name));
}

/** The staging folder, and the folders that were not there before, unless somebody else has put something in. */
async function clear(journal: Journal, point: Point): Promise<void> {
  await rm(journal.staging, { recursive: true, force: true });
  await point('undo:staging');
  for (const folder of journal.made.toReversed()) {
    if (!(await exists(folder))) continue;
    await rmdir(folder).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(errorCode(error) ?? '')) throw error;
    });
    await point('undo:made');
  }
}
