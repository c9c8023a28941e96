// Every file below a folder, as git sees it or by a plain walk. Links are not followed: they may lead anywhere.
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { toPosix } from './files.ts';

const run = promisify(execFile);
const GIT_TIMEOUT_MS = 30_000;
const GIT_OUTPUT_BYTES = 64 * 1024 * 1024;
const NEVER = new Set(['.git', '.quorate', 'node_modules', 'dist']);

/** Relative paths, unsorted, with forward slashes. `avoid` holds absolute folders to leave out. */
export async function listFiles(root: string, avoid: readonly string[]): Promise<string[]> {
  const away = avoid.map((folder) => toPosix(relative(root, folder))).filter((path) => path !== '');
  const wanted = (path: string): boolean =>
    !path.split('/').some((part) => NEVER.has(part)) &&
    !away.some((folder) => path === folder || path.startsWith(`${folder}/`));
  const listed = await fromGit(root);
  // A folder that its repository ignores as a whole is listed by walking it.
  return listed === undefined || listed.length === 0 ? walk(root, '', wanted) : listed.filter(wanted);
}

/** Tracked files and new ones that are not ignored; undefined outside of a repository or without git. */
async function fromGit(root: string): Promise<string[] | undefined> {
  try {
    // A foreign repository's configuration could name a program as its file system monitor.
    const quiet = ['-c', 'core.fsmonitor=false'];
    const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const { stdout } = await run('git', [...quiet, ...list], {
      cwd: root,
      timeout: GIT_TIMEOUT_MS,
      maxBuffer: GIT_OUTPUT_BYTES,
    });
    return [...new Set(stdout.split('\0').filter((path) => path !== ''))];
  } catch {
    return undefined;
  }
}

async function walk(root: string, below: string, wanted: (path: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(join(root, below), { withFileTypes: true }).catch((error: unknown) => {
    if (below === '') throw error;
    return undefined;
  });
  // A folder that cannot be read is listed itself, so that the review can say that it was left out.
  if (entries === undefined) return [below];
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (!wanted(path)) continue;
    if (entry.isDirectory()) found.push(...(await walk(root, path, wanted)));
    else found.push(path);
  }
  return found;
}
