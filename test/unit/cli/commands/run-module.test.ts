import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadRun } from '../../../../src/cli/commands/run-module.ts';
import type { RunContext } from '../../../../src/contract/run-context.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quorate-run-'));
});
afterAll(() => rm(folder, { recursive: true }));

let written = 0;
async function moduleOf(text: string): Promise<string> {
  const path = join(folder, `run-${written++}.mjs`);
  await writeFile(path, text);
  return path;
}

const load = async (text: string) => loadRun(await moduleOf(text), []);

function contextOf(signal = new AbortController().signal, args: readonly string[] = []) {
  const statuses: string[] = [];
  const terminal = {
    interactive: true,
    line: () => {},
    row: () => {},
    status: (text: string) => statuses.push(text),
  };
  return { statuses, context: { args, signal, terminal, runtime: {} } as unknown as RunContext };
}

describe('the module of --run', () => {
  it('is called with its context, and leaves no status behind', async () => {
    const run = await load(
      `export const run = async ({ args, terminal }) => terminal.status(args.join(' '));`,
    );
    const { context, statuses } = contextOf(undefined, ['a', '--b']);
    await run(context);
    expect(statuses).toEqual(['a --b', '']);
  });

  it.each([
    [`Object.assign(new Error('no'), { code: 'MINE' })`, 'MINE', 'no'],
    [`new TypeError('no')`, 'RUN_FAILED', 'no'],
    [`'no'`, 'RUN_FAILED', 'no'],
  ])('that throws %s fails with the code %s', async (thrown, code, message) => {
    const run = await load(`export function run() { throw ${thrown}; }`);
    await expect(run(contextOf().context)).rejects.toMatchObject({ code, message });
  });

  it('that is cut short by a stop has not failed', async () => {
    const run = await load(`export const run = ({ signal }) => new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });`);
    const stop = new AbortController();
    const { context, statuses } = contextOf(stop.signal);
    const ended = run(context);
    stop.abort();
    await ended;
    expect(statuses).toEqual(['']);
  });

  it('has looked at the arguments before anything is started', async () => {
    const path = await moduleOf(`
      export const run = () => {};
      export async function check([first]) { if (first !== 'folder') throw new Error('no ' + first); }`);
    await loadRun(path, ['folder']);
    await expect(loadRun(path, ['file'])).rejects.toMatchObject({ code: 'RUN_FAILED', message: 'no file' });
  });

  it.each([
    ['is not there', undefined, /run-\d+\.mjs does not load: Cannot find module/],
    ['throws as it loads', `throw new Error('too early');`, /does not load: too early/],
    ['has nothing to call', 'export const run = 1;', /: export a function named `run`\.$/],
  ])('that %s is refused', async (_, text, message) => {
    const path = text === undefined ? join(folder, 'run-0000.mjs') : await moduleOf(text);
    await expect(loadRun(path, [])).rejects.toMatchObject({
      code: 'MODULE_NOT_LOADED',
      message: expect.stringMatching(message),
    });
  });
});
