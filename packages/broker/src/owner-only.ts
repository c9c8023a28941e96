/** Folders and files that only their owner can read: messages are nobody else's business, whatever the umask says. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Of a folder that many share, such as /tmp: it is not ours to close. */
const STICKY = 0o1000;

/** Makes the folder, or takes from one that is there what others may do in it. */
export function ownFolder(folder: string): void {
  makeFolder(folder);
  tighten(folder, FOLDER_MODE);
}

/** Not by Node's own recursion: it never ends where the parent is there and no folder can be made in it, as in /proc. */
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

/** What belongs to somebody else stays as it is. */
function tighten(path: string, mode: number): void {
  const { uid, mode: now } = statSync(path);
  const others = now & 0o077;
  if (others === 0 || (now & STICKY) !== 0 || uid !== process.getuid?.()) return;
  chmodSync(path, mode);
}
