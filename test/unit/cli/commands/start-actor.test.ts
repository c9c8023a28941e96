// What a person says of a run on the command line is what a client says of it: in ms, and with one budget.

import { Command } from 'commander';
import { expect, it } from 'vitest';
import {
  type StartActorOptions,
  toStart,
  withStartOptions,
} from '../../../../src/cli/commands/start-actor.ts';
import type { Json } from '../../../../src/contract/json.ts';

async function parsed(...words: string[]): Promise<unknown> {
  let given: unknown;
  const command = withStartOptions(
    new Command('start').exitOverride().configureOutput({ writeErr: () => {} }),
  );
  command.action((actor: { id: string }, input: Json | undefined, options: StartActorOptions) => {
    given = toStart(actor.id, input, options);
  });
  await command.parseAsync(['review/r1', ...words], { from: 'user' });
  return given;
}

const timeoutMs = 30_000;

it.each<[string[], object]>([
  [[], {}],
  [['{"files":3}'], { input: { files: 3 } }],
  [['null'], { input: null }],
  [['--tenant', 'acme', '--priority', 'high'], { tenant: 'acme', priority: 'high' }],
  [['--usd', '1.5', '--on-exhausted', 'fail'], { budget: { usd: 1.5, onExhausted: 'fail' } }],
  [['--tokens', '200000'], { budget: { tokens: 200_000 } }],
  [
    ['--deadline', '600', '--max-depth', '0', '--max-tasks', '50', '--stalled-after', '0.5'],
    { deadlineMs: 600_000, maxDepth: 0, maxTasks: 50, noProgressMs: 500 },
  ],
])('%j is what a client is told', async (words, given) => {
  expect(await parsed(...words)).toEqual({ id: 'r1', timeoutMs, ...given });
});

it.each([
  [['{files}'], 'An input is JSON.'],
  [['--usd', '0'], 'A number above 0.'],
  [['--tokens', '1.5'], 'a whole number from 0 on.'],
  [['--max-tasks', '-1'], 'a whole number from 0 on.'],
  [['--priority', 'urgent'], 'Allowed choices are high, normal, low.'],
  [['--on-exhausted', 'fail'], '--on-exhausted is about a budget: give --usd or --tokens as well'],
])('%j is refused', async (words, why) => {
  await expect(parsed(...words)).rejects.toThrow(why);
});
