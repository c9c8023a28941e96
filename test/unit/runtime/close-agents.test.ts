// Agents are closed with their runtime, each for itself.
import { expect, it } from 'vitest';
import { SILENT } from '../../../src/contract/ports.ts';
import { closeAgents } from '../../../src/runtime/close-agents.ts';

it('closes each, and stops for none that fails or hangs', async () => {
  const closed: string[] = [];
  const said: string[] = [];
  const run = () => null;
  const agents = {
    good: { run, close: async () => void closed.push('good') },
    plain: { run },
    module: { module: 'a.ts', export: 'a' },
    failing: {
      run,
      close: () => {
        throw new Error('the lid is off');
      },
    },
    hanging: { run, close: () => new Promise<void>(() => {}) },
    last: { run, close: () => void closed.push('last') },
  };
  const logger = { ...SILENT, warn: (text: string) => void said.push(text) };
  await closeAgents({ config: { agents }, logger, limitMs: 5 });
  expect(closed.toSorted((a, b) => a.localeCompare(b))).toEqual(['good', 'last']);
  expect(said).toEqual([
    "agent 'failing' did not close: the lid is off",
    "agent 'hanging' did not close within 5 ms",
  ]);
});
