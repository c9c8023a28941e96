// The folder to review, looked at before anything is started.
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { QuorateError } from '../../contract/errors.ts';

/** The folder to review, looked at before anything is started: an absolute path with something in it. */
export async function checkFolder(path: string): Promise<string> {
  const folder = resolve(path);
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new QuorateError('FOLDER_UNREADABLE', `${folder}: ${REASONS[cause.code ?? ''] ?? cause.message}`, {
      cause,
    });
  });
  if (names.length === 0) throw new QuorateError('FOLDER_EMPTY', `${folder} holds no files.`);
  return folder;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder.',
  ENOTDIR: 'this is a file, not a folder.',
  EACCES: 'permission denied.',
};
