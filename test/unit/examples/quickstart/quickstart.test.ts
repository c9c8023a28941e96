// The README's first example: its agent and its machine, without a broker.
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createActor, fromPromise, toPromise } from 'xstate';
import { config } from '../../../../examples/quickstart/quorate.config.ts';
import { type Summary, summary } from '../../../../examples/quickstart/summary.machine.ts';

const FOLDER = new URL('../../../../examples/quickstart/', import.meta.url);

describe('quickstart', () => {
  test('the machine gives what the agent answers', async () => {
    const { run } = config.agents.summarize;
    const machine = summary.provide({
      actors: { summarize: fromPromise<Summary, string>(async ({ input }) => run(input)) },
    });
    const actor = createActor(machine, { input: { text: 'It survives a kill. It continues.' } }).start();
    expect(await toPromise(actor)).toEqual({ words: 6, opening: 'It survives a kill.' });
  });

  test('machine, agent, configuration and client are under 40 lines', async () => {
    const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.ts'));
    const texts = await Promise.all(files.map((name) => readFile(new URL(name, FOLDER), 'utf8')));
    expect(files.sort()).toEqual(['client.ts', 'quorate.config.ts', 'summary.machine.ts']);
    expect(texts.join('').trimEnd().split('\n').length).toBeLessThan(40);
  });
});
