// The model that planners and critic ask, if one is configured: any that speaks as OpenAI's does. Without it they are code. What it says
// is streamed to those who read along, and what it used is in the costs of the review.
import type { AgentContext } from 'quorate';
import { z } from 'zod';
import { Failure } from './failure.ts';
import type { Spent } from './usage.ts';

export interface Model {
  readonly baseUrl: string;
  readonly name: string;
  readonly apiKey: string | undefined;
}

export interface Question<T> {
  readonly system: string;
  readonly user: string;
  readonly schema: z.ZodType<T>;
  /** Told of every call that is paid for, also where its answer is of no use. */
  readonly onSpent: (spent: Spent) => Promise<void>;
}

/** What a million tokens cost, in USD, and the day that this is of. */
export interface ModelPrice {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
  readonly at: string;
}

const DEFAULT_MODEL = 'gpt-4o-mini';
/** A plan of fifty items. */
const MAX_OUTPUT_TOKENS = 8_192;

/** A variable that is empty counts as unset. */
const text = z
  .string()
  .optional()
  .transform((value) => (value === '' ? undefined : value));
const settings = z.object({
  OPENAI_BASE_URL: text.pipe(z.url({ protocol: /^https?$/ }).optional()),
  OPENAI_MODEL: text,
  OPENAI_API_KEY: text,
});

/** `2.50/10`, or with the day: `2.50/10 2026-12-01`. */
const PRICE = /^(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)(?: (\d{4}-\d\d-\d\d))?$/;

/** What OPENAI_PRICE says of the model; without it its calls are counted, and cost nothing that is known. Throws INPUT_INVALID. */
export function priceFrom(env: Readonly<Record<string, string | undefined>>): Record<string, ModelPrice> {
  const model = modelFrom(env);
  const given = env['OPENAI_PRICE'] ?? '';
  if (model === undefined || given === '') return {};
  const [, input, output, at = new Date().toISOString().slice(0, 10)] = PRICE.exec(given) ?? [];
  if (input === undefined || output === undefined)
    throw new Failure(
      'INPUT_INVALID',
      `OPENAI_PRICE is USD for a million tokens in and out, as 2.50/10, not '${given}'`,
    );
  return { [model.name]: { inputPerMillion: Number(input), outputPerMillion: Number(output), at } };
}

/** Throws INPUT_INVALID for what is no address. */
export function modelFrom(env: Readonly<Record<string, string | undefined>>): Model | undefined {
  const parsed = settings.safeParse(env);
  if (!parsed.success)
    throw new Failure('INPUT_INVALID', z.prettifyError(parsed.error).replaceAll(/\s+/g, ' '));
  const {
    OPENAI_BASE_URL: baseUrl,
    OPENAI_MODEL: name = DEFAULT_MODEL,
    OPENAI_API_KEY: apiKey,
  } = parsed.data;
  return baseUrl === undefined ? undefined : { baseUrl, name, apiKey };
}

/** Throws an error of `quorate/ai` (MODEL_REFUSED, MODEL_CUT, MODEL_OUTPUT_INVALID, ...), which says whether another try may help. */
export async function askModel<T>(
  { baseUrl, name, apiKey }: Model,
  { system, user, schema, onSpent }: Question<T>,
  context: AgentContext,
): Promise<T> {
  // Who has no model loads neither.
  const [{ createOpenAICompatible }, { modelAgent }] = await Promise.all([
    import('@ai-sdk/openai-compatible'),
    import('quorate/ai'),
  ]);
  const key = apiKey === undefined ? {} : { apiKey };
  const provider = createOpenAICompatible({
    name: 'model',
    baseURL: baseUrl,
    includeUsage: true,
    supportsStructuredOutputs: true,
    ...key,
  });
  const { run } = modelAgent({
    model: provider(name),
    system,
    prompt: () => user,
    output: schema,
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    settings: { temperature: 0 },
  });
  const spent: Promise<void>[] = [];
  const reserve: AgentContext['reserve'] = async (estimate) => {
    const reservation = await context.reserve(estimate);
    return {
      settle: (usage) => {
        reservation.settle(usage);
        const { calls = 1, inputTokens = 0, outputTokens = 0 } = usage;
        if (calls > 0) spent.push(onSpent({ promptTokens: inputTokens, completionTokens: outputTokens }));
      },
    };
  };
  try {
    return await run(null, { ...context, reserve });
  } finally {
    await Promise.all(spent);
  }
}
