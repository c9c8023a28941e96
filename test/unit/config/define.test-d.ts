// Types only: the compiler is the test. Each expected error fails the build when it is none.
import { assign, setup } from 'xstate';
import { defineAgent, defineConfig, defineMachine } from '../../../src/config/define.ts';
import type { QuorateClient } from '../../../src/contract/client.ts';
import { agent } from '../../../src/machines/agent.ts';

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
// @ts-expect-error -- no date
defineAgent({ run: () => new Date() });
// @ts-expect-error -- no bytes
defineAgent({ run: async () => new Uint8Array(1) });
// @ts-expect-error -- no function
defineAgent({ run: () => () => 1 });
// @ts-expect-error -- no BigInt
defineAgent({ run: () => 1n });

interface Summary {
  readonly words: number;
  readonly tags?: readonly string[];
  readonly author?: { readonly name: string };
}

interface Document {
  readonly text: string;
}

type Verdict = { readonly kind: 'good' } | { readonly kind: 'bad'; readonly why: string };

const reading = setup({
  types: { context: {} as Document, input: {} as Document, output: {} as Summary },
  actors: {
    summarize: agent<Summary, Document>(),
    judge: agent<Verdict, string>(),
    note: agent<null, string>(),
    any: agent(),
  },
}).createMachine({
  context: ({ input }) => input,
  initial: 'reading',
  states: {
    reading: { invoke: { src: 'summarize', input: ({ context }) => context, onDone: 'done' } },
    done: { type: 'final' },
  },
  output: () => ({ words: 1 }),
});

const reader = {
  reading: defineMachine<typeof reading>({ module: './r.ts', export: 'reading', version: '1' }),
};
const summarize = async ({ text }: Document): Promise<Summary> => ({ words: text.length });
const judge = (text: string): Verdict => (text === '' ? { kind: 'bad', why: 'empty' } : { kind: 'good' });

// An interface is an answer; what the machine asks for and what the agents give fit.
defineConfig({
  machines: reader,
  agents: {
    summarize: { run: summarize },
    judge: { run: judge },
    note: { run: (_text: string): void => {} },
    any: { run: (n: number) => n },
    unknownToIt: { run: () => 1 },
    elsewhere: { module: './cpu.ts', export: 'cpu' },
  },
});
defineConfig({ machines: reader, agents: { summarize: defineAgent<Document>({ run: summarize }) } });
// As it is written in most configurations: literals keep their types, inputs may be left out.
defineConfig({ machines: reader, agents: { judge: { run: (): Verdict => ({ kind: 'good' }) } } });
defineConfig({ machines: reader, agents: { judge: { run: () => ({ kind: 'good' as const }) } } });
defineConfig({ machines: reader, agents: { judge: { run: async (text: unknown) => judge(String(text)) } } });

defineConfig({
  machines: reader,
  // @ts-expect-error -- the machine is told words, not a text
  agents: { summarize: { run: ({ text }: Document) => ({ words: text }) } },
});
defineConfig({
  machines: reader,
  // @ts-expect-error -- the machine asks with a document
  agents: { summarize: { run: (text: string): Summary => ({ words: text.length }) } },
});
defineConfig({
  machines: reader,
  // @ts-expect-error -- the machine is told a summary, not nothing
  agents: { summarize: { run: (_document: Document): void => {} } },
});
defineConfig({
  machines: reader,
  // @ts-expect-error -- as above, by way of defineAgent
  agents: { summarize: defineAgent<string>({ run: (text) => ({ words: text.length }) }) },
});
// @ts-expect-error -- no agent of this configuration gives back a map
defineConfig({ machines: {}, agents: { a: { run: () => new Map() } } });
