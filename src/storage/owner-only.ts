// Keeps the data folder and the databases in it for their owner alone, whatever the umask says, also where they exist already.
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

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

/** Leaves what belongs to somebody else as it is. */
function tighten(path: string, mode: number): void {
  const { uid, mode: now } = statSync(path);
  const others = now & 0o077;
  if (others === 0 || (now & STICKY) !== 0 || uid !== process.getuid?.()) return;
  chmodSync(path, mode);
}
