// Small applications of a configuration each, for benches that need no review.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const fixture = (name: string): string => new URL(`../test/fixtures/apps/${name}`, import.meta.url).href;

/** One gather over an agent that takes ten milliseconds a task. */
export async function writeGatherApplication(folder: string): Promise<string> {
  return writeConfig(
    folder,
    `{
      machines: { all: { module: new URL('${fixture('gathering.machine.ts')}'), export: 'gatherAll', version: '1' } },
      agents: { oracle: { concurrency: 4, run: async () => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        return { counts: { done: 1 } };
      } } },
      lockDurationMs: 5000,
    }`,
  );
}

/** Actors that count. */
export async function writeCounterApplication(folder: string): Promise<string> {
  return writeConfig(
    folder,
    `{ machines: { counter: { module: new URL('${fixture('counter.machine.ts')}'), export: 'counter', version: '1' } } }`,
  );
}

async function writeConfig(folder: string, config: string): Promise<string> {
  const path = join(folder, 'quorate.config.ts');
  await writeFile(path, `export default ${config};\n`);
  return path;
}
