// A folder as a storage: the default. A write is a temporary file renamed into place, so a reader sees the whole value or
// none, also after kill -9.
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  constants,
  copyFile,
  link,
  mkdir,
  open,
  opendir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileFault } from '../common/file-faults.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Storage, StorageAppend } from '../contract/payload.ts';
import { ownFolder } from './owner-only.ts';
import { checkPath } from './paths.ts';

/** How often a writer makes its folder anew when somebody removes it meanwhile. */
const MAX_TRIES = 5;
const OWNER_ONLY = 0o600;

export function createFolderStorage(root: string): Storage {
  // One that is there already may be open to others.
  if (existsSync(root)) makeFolder(root);
  const place = (path: string): string => join(root, checkPath(path));
  return {
    write: (path, bytes) => write(place(path), bytes, root),
    create: (path, bytes) => create(place(path), bytes, root),
    read: async (path) => unlessMissing(readFile(place(path))),
    append: (path, bytes, isNew) => append(place(path), bytes, isNew, root),
    readFrom: (path, offset, count) => readFrom(place(path), offset, count),
    remove: async (path) => {
      const file = place(path);
      await rm(file, { force: true });
      await removeEmpty(dirname(file), root);
    },
    removeFolder: async (path) => {
      const folder = place(path);
      await rm(folder, { recursive: true, force: true });
      await removeEmpty(dirname(folder), root);
    },
    list: (path) => list(place(path), root),
  };
}

async function write(path: string, bytes: Uint8Array, root: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  for (let tries = 1; ; tries++) {
    try {
      // The folder is missing only the first time: to look for it before every write costs as much as the write.
      await writeFile(temporary, bytes, { flag: 'wx', mode: OWNER_ONLY });
      await rename(temporary, path);
      return;
    } catch (error) {
      await rm(temporary, { force: true });
      if (codeOf(error) !== 'ENOENT' || tries === MAX_TRIES)
        throw fileFault(error, `writing ${path}`) ?? error;
      makeFolder(root);
      await mkdir(dirname(path), { recursive: true });
    }
  }
}

/** Where it begins is known as long as nobody else appends at the same time. */
async function append(path: string, bytes: Uint8Array, isNew: boolean, root: string): Promise<StorageAppend> {
  const { O_APPEND, O_CREAT, O_WRONLY } = constants;
  for (let tries = 1; ; tries++) {
    try {
      await using file = await open(path, O_APPEND | O_WRONLY | (isNew ? O_CREAT : 0), OWNER_ONLY);
      const { size } = await file.stat();
      await file.write(bytes);
      const isAlone = (await file.stat()).size === size + bytes.length;
      return { kind: 'added', at: isAlone ? size : undefined };
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && !isNew) return { kind: 'missing' };
      if (codeOf(error) !== 'ENOENT' || tries === MAX_TRIES)
        throw fileFault(error, `writing ${path}`) ?? error;
      makeFolder(root);
      await mkdir(dirname(path), { recursive: true });
    }
  }
}

async function readFrom(path: string, offset: number, count: number): Promise<Uint8Array | undefined> {
  const file = await unlessMissing(open(path, 'r'));
  if (file === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0, count, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Creates the file whole, by a hard link where the file system has them. Of several that try at once one succeeds. */
async function create(path: string, bytes: Uint8Array, root: string): Promise<boolean> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  await write(temporary, bytes, root);
  try {
    await link(temporary, path).catch((error: unknown) => {
      if (codeOf(error) === 'EEXIST') throw error;
      return copyFile(temporary, path, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw fileFault(error, `writing ${path}`) ?? error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A folder for its owner alone. */
export function makeFolder(path: string): void {
  try {
    ownFolder(path);
  } catch (error) {
    const what = `making the folder ${path}`;
    // Its parent is there: no folder can be made in it at all, as in /proc.
    if (codeOf(error) === 'ENOENT')
      throw new QuorateError('DATA_UNWRITABLE', `${what}: ${(error as Error).message}`, { cause: error });
    throw fileFault(error, what) ?? error;
  }
}

/** Removes all of an owner, empty folders too. */
async function removeEmpty(folder: string, root: string): Promise<void> {
  let path = folder;
  while (path.length > root.length && path.startsWith(root)) {
    try {
      await rmdir(path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') return;
    }
    path = dirname(path);
  }
}

async function* list(folder: string, root: string): AsyncGenerator<{ path: string; writtenAt: number }> {
  const entries = await unlessMissing(opendir(folder, { recursive: true }));
  if (entries === undefined) return;
  for await (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const found = await unlessMissing(stat(file));
    if (found !== undefined)
      yield { path: relative(root, file).replaceAll('\\', '/'), writtenAt: found.mtimeMs };
  }
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException | null)?.code;
}
