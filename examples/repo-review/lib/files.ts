// Small file helpers that every agent needs: atomic writes, safe paths, limited concurrency, text or not.
import { createHash, randomUUID } from 'node:crypto';
import { open, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { errorCode, Failure } from './failure.ts';

/** Larger files are generated or data more often than code, and one of them must not fill a worker's memory. */
export const MAX_FILE_BYTES = 1_000_000;
const SNIFF_BYTES = 8_192;

/**
 * Readers see the old content or the new, never a half; two writers of the same content do no harm. It survives the
 * death of the process; with `durable` that of the machine too.
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
  options: { readonly durable?: boolean; readonly mode?: number } = {},
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content, { flush: options.durable ?? false, mode: options.mode });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

/** The absolute path of something below `root`; undefined for what lies outside of it. */
export function inside(root: string, path: string): string | undefined {
  const absolute = resolve(root, path);
  const back = relative(root, absolute);
  return back === '..' || back.startsWith(`..${sep}`) || isAbsolute(back) ? undefined : absolute;
}

export function toPosix(path: string): string {
  return sep === '/' ? path : path.split(sep).join('/');
}

/** Text is what holds no NUL and decodes as UTF-8 in its first block. */
export async function isBinary(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    if (head.includes(0)) return true;
    try {
      // `stream`: a character cut off at the block's end is no error.
      new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: bytesRead === SNIFF_BYTES });
      return false;
    } catch {
      return true;
    }
  } finally {
    await file.close();
  }
}

/** Results in the order of the items, at most `width` at work. */
export async function mapLimited<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = Array.from({ length: items.length });
  const queue = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  return results;
}

/** The real path of a folder that can be listed. */
export async function openFolder(folder: string): Promise<string> {
  try {
    const root = await realpath(resolve(folder));
    await readdir(root);
    return root;
  } catch (error) {
    const why =
      { ENOENT: 'does not exist', ENOTDIR: 'is not a folder' }[errorCode(error) ?? ''] ?? 'cannot be read';
    throw new Failure('FOLDER_UNREADABLE', `${folder} ${why}`, error);
  }
}
