// An OpenAI-compatible model, asked for JSON of a given shape. Set by the environment; without it there is no model.
import { z } from 'zod';
import { errorText, Failure } from './failure.ts';
import type { Spent } from './usage.ts';

export interface Model {
  readonly baseUrl: string;
  readonly name: string;
  readonly apiKey?: string;
}

export interface Question<T> {
  readonly system: string;
  readonly user: string;
  readonly schema: z.ZodType<T>;
  readonly signal: AbortSignal;
  /** Told of every answered call before its content is looked at: it is paid for either way. */
  readonly onSpent: (spent: Spent) => Promise<void>;
}

const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;
const REQUEST_TIMEOUT = 408;
const DEFAULT_MODEL = 'gpt-4o-mini';
const SHOWN_OF_A_BODY = 200;

const completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullable() }) })).min(1),
  usage: z
    .object({ prompt_tokens: z.number().catch(0), completion_tokens: z.number().catch(0) })
    .nullish()
    .catch(null),
});

export function modelFrom(env: Readonly<Record<string, string | undefined>>): Model | undefined {
  const baseUrl = env['OPENAI_BASE_URL']?.replace(/\/+$/, '');
  if (baseUrl === undefined || baseUrl === '') return undefined;
  const apiKey = env['OPENAI_API_KEY'];
  const name = env['OPENAI_MODEL'] ?? DEFAULT_MODEL;
  return apiKey === undefined || apiKey === '' ? { baseUrl, name } : { baseUrl, name, apiKey };
}

export async function askModel<T>(model: Model, question: Question<T>): Promise<T> {
  const body = completion.safeParse(await post(model, question));
  if (!body.success) throw invalid('its answer is no chat completion', body.error);
  const { choices, usage } = body.data;
  await question.onSpent({
    promptTokens: usage?.prompt_tokens ?? 0,
    completionTokens: usage?.completion_tokens ?? 0,
  });
  const parsed = question.schema.safeParse(parseLenient(choices[0]?.message.content ?? ''));
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).replaceAll(/\s+/g, ' '), parsed.error);
  return parsed.data;
}

async function post(model: Model, { system, user, signal }: Question<unknown>): Promise<unknown> {
  const response = await fetch(`${model.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(model.apiKey === undefined ? {} : { authorization: `Bearer ${model.apiKey}` }),
    },
    body: JSON.stringify({
      model: model.name,
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: user },
      ],
      response_format: { type: 'json_object' },
      temperature: 0,
    }),
    signal,
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new Failure(
      'MODEL_UNAVAILABLE',
      `no answer from ${new URL(model.baseUrl).host}: ${errorText(error)}`,
      error,
    );
  });
  const text = await response.text();
  if (!response.ok) {
    const transient =
      [TOO_MANY_REQUESTS, REQUEST_TIMEOUT].includes(response.status) || response.status >= SERVER_ERROR;
    const said = `the model answered ${response.status}: ${text.slice(0, SHOWN_OF_A_BODY)}`;
    throw new Failure(transient ? 'MODEL_UNAVAILABLE' : 'MODEL_REFUSED', said);
  }
  return parseLenient(text);
}

/** Some endpoints wrap their JSON in a code fence in spite of being asked for JSON. */
function parseLenient(text: string): unknown {
  const bare = text
    .trim()
    .replace(/^```(?:json)?\s*/, '')
    .replace(/\s*```$/, '');
  try {
    return JSON.parse(bare);
  } catch (error) {
    throw invalid('its answer is not JSON', error);
  }
}

function invalid(why: string, cause: unknown): Failure {
  return new Failure('MODEL_REPLY_INVALID', `the model's reply cannot be used: ${why}`, cause);
}
