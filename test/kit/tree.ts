import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Every file of a folder with the hash of its bytes; undefined when the folder is not there. */
export async function treeOf(folder: string): Promise<Record<string, string> | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return undefined;
  const tree: Record<string, string> = {};
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const content = entry.isFile() ? await readFile(path) : '';
    tree[relative(folder, path)] = entry.isFile()
      ? createHash('sha256').update(content).digest('hex')
      : 'folder';
  }
  return tree;
}
