// Reads what commit-log.js wrote.
import { readFile } from 'node:fs/promises';

export interface Commit {
  /** Epoch ms with fractions: when the broker had accepted it. */
  readonly at: number;
  /** What the broker stores: the JSON text of the state. */
  readonly bytes: number;
  readonly actor: string;
  /** Inputs applied in the actor's life. */
  readonly turn: number;
}

/** A last line that was cut short by a kill is left out. */
export async function readCommits(path: string): Promise<Commit[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Commit);
}
