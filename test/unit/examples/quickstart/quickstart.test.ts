// The README's first example: its agent and its machine, without a broker.
import { describe, expect, test } from 'vitest';
import { createActor, fromPromise, toPromise } from 'xstate';
import { config } from '../../../../examples/quickstart/quorate.config.ts';
import { type Summary, summary } from '../../../../examples/quickstart/summary.machine.ts';

describe('quickstart', () => {
  test('the machine gives what the agent answers', async () => {
    const { run } = config.agents.summarize;
    const machine = summary.provide({
      actors: { summarize: fromPromise<Summary, string>(async ({ input }) => run(input)) },
    });
    const actor = createActor(machine, { input: { text: 'It survives a kill. It continues.' } }).start();
    expect(await toPromise(actor)).toEqual({ words: 6, opening: 'It survives a kill.' });
  });
});
