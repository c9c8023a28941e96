// A question before something is removed.
import { createInterface } from 'node:readline/promises';
import { QuorateError } from '../../contract/errors.ts';

/** `instead` is what a script passes. */
export async function confirm(question: string, instead = '--yes'): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new QuorateError('USAGE', `There is nobody to ask; pass ${instead} to remove the data.`);
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
  } finally {
    prompt.close();
  }
}
