// The agents of the research back end: one model behind a limit that all processes share, and the steps that publish.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { defineConfig, defineMachine } from 'quorate';
import { modelAgent } from 'quorate/ai';
import { z } from 'zod';
import { createLibrary } from './library.ts';
import type { ReportRequest, research } from './research.machine.ts';

const settings = z
  .object({
    /** Of an API that speaks as OpenAI's does, such as http://127.0.0.1:11434/v1 of Ollama. */
    RESEARCH_MODEL_URL: z.url(),
    RESEARCH_MODEL: z.string().default('gpt-5'),
    RESEARCH_MODEL_KEY: z.string().optional(),
    RESEARCH_LIBRARY: z.string().default('library'),
    /** Longest silence of a model, in ms. */
    RESEARCH_SILENCE_MS: z.coerce.number().default(30_000),
  })
  .parse(process.env);
const { RESEARCH_MODEL: name, RESEARCH_MODEL_KEY: key, RESEARCH_SILENCE_MS: silenceMs } = settings;

const provider = createOpenAICompatible({
  name: 'research',
  baseURL: settings.RESEARCH_MODEL_URL,
  ...(key === undefined ? {} : { apiKey: key }),
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = { model: provider(name), maxOutputTokens: 500, firstChunkMs: silenceMs, chunkMs: silenceMs };
const shared = { limit: name, concurrency: 10, retry: { attempts: 3, backoffMs: 500 } };

interface Round {
  readonly item: { readonly request: ReportRequest; readonly feedback?: string };
}
const write = (how: string) =>
  modelAgent({
    ...model,
    system: `You write ${how} reports.`,
    prompt: ({ item: { request, feedback = '' } }: Round) =>
      `Write about ${request.topic}:\n${request.findings.join('\n')}\n${feedback}`,
  });
const critic = modelAgent({
  ...model,
  system:
    'You are the editor. Choose the better report by its index, score it from 0 to 1 and say what is missing.',
  prompt: (task: { offers: readonly { offer: string }[] }) => JSON.stringify(task.offers),
  output: z.object({ choice: z.number(), score: z.number(), feedback: z.string() }),
});

export const config = defineConfig({
  machines: {
    research: defineMachine<typeof research>({
      module: new URL('./research.machine.ts', import.meta.url),
      export: 'research',
      version: '1',
    }),
  },
  limits: { [name]: { requestsPerMinute: 600, tokensPerMinute: 200_000 } },
  prices: { [name]: { inputPerMillion: 1.25, outputPerMillion: 10, at: '2026-11-30' } },
  agents: {
    researcher: {
      ...modelAgent({ ...model, prompt: ({ item }: { item: string }) => `In two sentences: ${item}` }),
      ...shared,
    },
    brief: { ...write('brief'), ...shared },
    thorough: { ...write('thorough'), ...shared },
    critic: { ...critic, ...shared },
    ...createLibrary(settings.RESEARCH_LIBRARY),
  },
});
