// Types only: the compiler is the test. Each expected error fails the build when it is none.
import { assign, setup } from 'xstate';
import type { QuorateClient } from '../../src/contract/client.ts';
import { defineAgent, defineConfig, defineMachine } from '../../src/define.ts';

const counter = setup({
  types: {
    context: {} as { count: number },
    events: {} as { type: 'ADD'; by: number } | { type: 'END' },
    input: {} as { from: number },
    output: {} as { total: number },
  },
}).createMachine({
  context: ({ input }) => ({ count: input.from }),
  initial: 'counting',
  states: {
    counting: {
      on: {
        ADD: { actions: assign({ count: ({ context, event }) => context.count + event.by }) },
        END: 'ended',
      },
    },
    ended: { type: 'final' },
  },
  output: ({ context }) => ({ total: context.count }),
});

export const config = defineConfig({
  machines: {
    counter: defineMachine<typeof counter>({ module: './counter.ts', export: 'counter', version: '1' }),
    other: { module: './other.ts', export: 'other', version: '1' },
  },
  agents: { double: defineAgent<{ n: number }>({ run: ({ n }) => n * 2 }) },
});

export async function calls(client: QuorateClient<typeof config>): Promise<void> {
  await client.start('counter', { id: '1', input: { from: 1 } });
  // @ts-expect-error -- no such machine
  await client.start('missing', { id: '1' });
  // @ts-expect-error -- not its input
  await client.start('counter', { id: '1', input: { from: 'one' } });
  // @ts-expect-error -- an id is needed
  await client.start('counter', { input: { from: 1 } });

  await client.send('counter', '1', { type: 'ADD', by: 2 });
  // @ts-expect-error -- no such event
  await client.send('counter', '1', { type: 'SUBTRACT' });
  // @ts-expect-error -- its event, without what it carries
  await client.send('counter', '1', { type: 'ADD' });

  await client.send('counter', '1', { type: 'END' }, { start: { input: { from: 1 } } });
  await client.send('counter', '1', { type: 'END' }, { key: 'k', start: {} });
  // @ts-expect-error -- not its input
  await client.send('counter', '1', { type: 'END' }, { start: { input: { from: 'one' } } });
  // @ts-expect-error -- a send waits for nobody
  await client.send('counter', '1', { type: 'END' }, { timeoutMs: 5 });

  const { total } = await client.result('counter', '1');
  total satisfies number;
  // @ts-expect-error -- not its output
  total satisfies string;

  const ran = await client.run('counter', { id: '1', input: { from: 1 } });
  ran.total satisfies number;
  // @ts-expect-error -- not its input
  await client.run('counter', { id: '1', input: { from: 'one' } });

  const answer = await client.query('counter', '1');
  answer.value satisfies 'counting' | 'ended';
  answer.context.count satisfies number;
  // @ts-expect-error -- not its state
  answer.value satisfies 'sleeping';

  // Without a machine's type everything goes, as it is.
  await client.start('other', { id: '1', input: { anything: true } });
}

// @ts-expect-error -- the export is missing
defineMachine<typeof counter>({ module: './counter.ts', version: '1' });
// @ts-expect-error -- an agent gives back JSON
defineAgent({ run: () => new Map() });
