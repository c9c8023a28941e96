// Reads what commit-log.ts wrote.
import { readFile } from 'node:fs/promises';
import type { Commit } from './commit-log.ts';

/** A last line that was cut short by a kill is left out. */
export async function readCommits(path: string): Promise<Commit[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Commit);
}
