import { defineAgent, defineConfig, defineMachine, permanent } from 'quorate';
import type { story, Topic } from './story.machine.ts';

interface Prompt {
  readonly text: string;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

// Stands for the client of a model that streams.
async function* model({ text, signal }: Prompt): AsyncGenerator<string> {
  for (const word of ['Once', 'upon', 'a', text]) {
    signal.throwIfAborted();
    yield word;
  }
}

const write = defineAgent<Topic>({
  concurrency: 4,
  timeoutMs: 30_000,
  retry: { attempts: 5, backoffMs: 500 },
  run: async ({ topic }, { key, signal, partial, payloads }) => {
    if (topic === '') throw permanent({ message: 'there is nothing to write about', code: 'NO_TOPIC' });
    const words: string[] = [];
    for await (const word of model({ text: topic, idempotencyKey: key, signal })) {
      words.push(word);
      await partial(word);
    }
    return payloads.put(words.join(' '));
  },
});

const module = new URL('./story.machine.ts', import.meta.url);

export const config = defineConfig({
  machines: { story: defineMachine<typeof story>({ module, export: 'story', version: '1' }) },
  agents: { write },
});
