// Small applications of a configuration each, for benches that need no review.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const fixture = (name: string): string => new URL(`../test/fixtures/apps/${name}`, import.meta.url).href;

const RUNS_FILE = 'runs';

/** One gather over an agent that takes ten milliseconds a task, and writes down when it begins one. */
export async function writeGatherApplication(folder: string): Promise<string> {
  return writeConfig(
    folder,
    `{
      machines: { all: { module: new URL('${fixture('gathering.machine.ts')}'), export: 'gatherAll', version: '1' } },
      agents: { oracle: { concurrency: 4, run: async () => {
        appendFileSync(${JSON.stringify(join(folder, RUNS_FILE))}, Date.now() + '\\n');
        await new Promise((resolve) => setTimeout(resolve, 10));
        return { counts: { done: 1 } };
      } } },
      lockDurationMs: 5000,
    }`,
  );
}

/** When the agents began their tasks, in milliseconds of the wall clock. */
export async function readRuns(folder: string): Promise<number[]> {
  const text = await readFile(join(folder, RUNS_FILE), 'utf8');
  return text.split('\n').filter(Boolean).map(Number);
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
  await writeFile(path, `import { appendFileSync } from 'node:fs';\nexport default ${config};\n`);
  return path;
}
