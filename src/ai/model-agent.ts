// An agent that is a model: a prompt made of a task's input, streamed through the `ai` package, with its tools, as an answer that was
// checked. It returns an ordinary I/O agent, so limits, retries, lanes and budgets are said beside it, as of any other.
import type * as Ai from 'ai';
import { loadAi } from '../common/optional-packages.ts';
import type { AgentContext, IoAgent } from '../contract/config.ts';
import type { Json } from '../contract/json.ts';
import type { Estimate } from '../contract/usage.ts';
import { bindTools } from './actor-tool.ts';
import { ending } from './endings.ts';
import { type AttemptEstimate, estimateAttempt } from './estimate.ts';
import { Calls } from './metered-model.ts';
import { type OutputSchema, parseOutput, toFormat } from './output.ts';
import { tracedTools } from './spans.ts';

const MAX_OUTPUT_TOKENS = 4_096;
const MAX_STEPS = 8;
/** A model that thinks says nothing for a while. */
const FIRST_CHUNK_MS = 120_000;
const CHUNK_MS = 60_000;
/** Of a whole attempt, whose calls are watched by the two above. */
const TIMEOUT_MS = 300_000;

/** Settings of `streamText` that are passed on as they are. */
export type ModelSettings = Pick<
  Parameters<typeof Ai.streamText>[0],
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'stopSequences'
  | 'seed'
  | 'reasoning'
  | 'providerOptions'
  | 'headers'
  | 'toolChoice'
>;

/** A text of the user, or a whole conversation. */
export type ModelPrompt = string | Ai.ModelMessage[];

/** What a `modelAgent` is made of. */
export interface ModelAgentOptions<I, O> {
  /** A model of a provider package. A function gets the limit that let the attempt through: another deployment behind a fallback. */
  readonly model: ModelObject | ((limit: string | undefined) => ModelObject);
  readonly system?: string | ((input: I, context: AgentContext) => string);
  /** One that takes the input alone is called for the estimate of a task too. */
  readonly prompt: (input: I, context: AgentContext) => ModelPrompt | Promise<ModelPrompt>;
  /** What the answer has to be; without it the answer is the text. */
  readonly output?: OutputSchema<O> | undefined;
  /** Of `output`, where its library gives none by itself. */
  readonly jsonSchema?: Readonly<Record<string, unknown>>;
  /** Of the `ai` package, of MCP, or `actorTool`. A function makes them for each attempt. */
  readonly tools?: Ai.ToolSet | ((input: I, context: AgentContext) => Ai.ToolSet | Promise<Ai.ToolSet>);
  /** Calls of an attempt at most, where there are tools. Default 8. */
  readonly maxSteps?: number;
  /** Of each call. Default 4,096. An answer that is cut by it fails. */
  readonly maxOutputTokens?: number;
  /** What readers of `client.stream` get: the pieces of the text (default), nothing, or what it makes of each part. */
  readonly stream?: boolean | ((part: Ai.TextStreamPart<Ai.ToolSet>) => Json | undefined);
  /** Longest wait for the first piece of an answer. Default 120,000. */
  readonly firstChunkMs?: number;
  /** Longest wait between two pieces. Default 60,000. */
  readonly chunkMs?: number;
  /** What an attempt uses at most. Default: of the prompt and `maxOutputTokens`, for each of `maxSteps`. */
  readonly estimate?: (input: I) => Estimate;
  readonly settings?: ModelSettings;
}

/** A model as provider packages make them; a name alone is not one. */
export type ModelObject = Exclude<Ai.LanguageModel, string>;

/** An entry for `agents`. */
export interface ModelAgent<I, O> extends Omit<IoAgent, 'run'> {
  readonly run: (input: I, context: AgentContext) => Promise<O>;
}

/**
 * An agent that asks a model. What control there is (`limit`, `concurrency`, `retry`, `lane`) is said beside it.
 *
 * @returns An entry for `agents`.
 * @example
 * ```ts
 * const critic = { ...modelAgent({ model: openai('gpt-5'), prompt: (text: string) => `Judge: ${text}` }), limit: 'gpt-5' };
 * ```
 */
export function modelAgent<I = Json, O = string>(options: ModelAgentOptions<I, O>): ModelAgent<I, O> {
  const { model, estimate = toEstimate(options) } = options;
  const usual = typeof model === 'function' ? model(undefined) : model;
  return {
    model: usual.modelId,
    timeoutMs: TIMEOUT_MS,
    estimate,
    run: (input, context) => run(options, input, context),
  };
}

async function run<I, O>(options: ModelAgentOptions<I, O>, input: I, context: AgentContext): Promise<O> {
  const calls = new Calls(context, {
    maxOutputTokens: options.maxOutputTokens ?? MAX_OUTPUT_TOKENS,
    firstChunkMs: options.firstChunkMs ?? FIRST_CHUNK_MS,
    chunkMs: options.chunkMs ?? CHUNK_MS,
  });
  try {
    const ai = await loadAi();
    const { model } = options;
    const chosen = typeof model === 'function' ? model(context.limit) : model;
    const last = await stream(
      ai,
      chosen,
      await toRequest(ai, options, input, context),
      calls,
      options,
      context,
    );
    checkEnd(last, chosen.modelId);
    const { output } = options;
    return output === undefined ? (last.text as O) : await parseOutput(last.text, output, chosen.modelId);
  } finally {
    // Without a call there is nothing to estimate.
    if (calls.begun === 0) context.usage({ calls: 0, inputTokens: 0, outputTokens: 0 });
  }
}

type Request = Partial<Parameters<typeof Ai.streamText>[0]>;

async function toRequest<I, O>(
  ai: typeof Ai,
  { system, prompt, output, jsonSchema, tools, maxSteps = MAX_STEPS, settings }: ModelAgentOptions<I, O>,
  input: I,
  context: AgentContext,
): Promise<Request> {
  const asked = await prompt(input, context);
  const instructions = typeof system === 'function' ? system(input, context) : system;
  const toolSet = typeof tools === 'function' ? await tools(input, context) : tools;
  return {
    ...settings,
    ...(instructions === undefined ? {} : { instructions }),
    ...(typeof asked === 'string' ? { prompt: asked } : { messages: asked }),
    ...(output === undefined ? {} : { output: await toFormat(ai, output, jsonSchema) }),
    ...(toolSet === undefined
      ? {}
      : { tools: tracedTools(bindTools(toolSet, context)), stopWhen: ai.isStepCount(maxSteps) }),
  };
}

/** What the last step of an attempt gave. */
interface LastStep {
  readonly text: string;
  readonly reason: Ai.FinishReason;
  readonly steps: number;
}

async function stream<I, O>(
  ai: typeof Ai,
  model: ModelObject,
  request: Request,
  calls: Calls,
  { maxOutputTokens = MAX_OUTPUT_TOKENS, stream: shown = true }: ModelAgentOptions<I, O>,
  context: AgentContext,
): Promise<LastStep> {
  const toPiece = typeof shown === 'function' ? shown : shown ? textOf : undefined;
  let last: LastStep = { text: '', reason: 'other', steps: 0 };
  let texts: string[] = [];
  try {
    const { stream: parts } = ai.streamText({
      ...request,
      model: ai.wrapLanguageModel({ model, middleware: calls.middleware }),
      maxOutputTokens,
      // Nobody counts those, and they hold a slot while they wait.
      maxRetries: 0,
      abortSignal: context.signal,
      // It prints errors by itself, with the prompt in them.
      onError: () => {},
    } as Parameters<typeof Ai.streamText>[0]);
    for await (const part of parts) {
      const piece = toPiece?.(part);
      if (piece !== undefined) context.stream(piece);
      if (part.type === 'start-step') texts = [];
      if (part.type === 'text-delta') texts.push(part.text);
      if (part.type === 'finish-step')
        last = { text: texts.join(''), reason: part.finishReason, steps: last.steps + 1 };
      if (part.type === 'error') calls.failure ??= part.error instanceof Error ? part.error : new Error('');
    }
  } catch (thrown) {
    throw calls.failure ?? thrown;
  }
  context.signal.throwIfAborted();
  if (calls.failure !== undefined) throw calls.failure;
  return last;
}

function textOf(part: Ai.TextStreamPart<Ai.ToolSet>): Json | undefined {
  return part.type === 'text-delta' ? part.text : undefined;
}

/** A whole answer is one that the model ended by itself. */
function checkEnd({ reason, steps, text }: LastStep, model: string): void {
  if (reason === 'length')
    throw ending(
      'MODEL_LENGTH',
      { kind: 'permanent' },
      `the answer of ${model} is longer than maxOutputTokens`,
    );
  if (reason === 'content-filter')
    throw ending(
      'MODEL_FILTERED',
      { kind: 'permanent', code: 'content_filter' },
      `the answer of ${model} was filtered`,
    );
  if (reason === 'tool-calls')
    throw ending('MODEL_STEPS', { kind: 'permanent' }, `${model} still asks for tools after ${steps} calls`);
  if (steps === 0 || (reason !== 'stop' && text === ''))
    throw ending('MODEL_CUT', { kind: 'incomplete' }, `${model} gave no answer`);
}

function toEstimate<I, O>(options: ModelAgentOptions<I, O>): (input: I) => AttemptEstimate {
  const {
    system,
    prompt,
    tools,
    maxSteps = MAX_STEPS,
    maxOutputTokens: mostOutput = MAX_OUTPUT_TOKENS,
  } = options;
  return (input) => {
    const asked = prompt.length < 2 ? promptOf(prompt, input) : input;
    const said = typeof system === 'string' ? system : system === undefined ? '' : input;
    return estimateAttempt([said, asked], {
      calls: tools === undefined ? 1 : maxSteps,
      tools: typeof tools === 'object' ? Object.keys(tools).length : 0,
      mostOutput,
    });
  };
}

/** Of one that takes its input alone, and at once. */
function promptOf<I>(prompt: (input: I, context: AgentContext) => unknown, input: I): unknown {
  const asked = prompt(input, undefined as unknown as AgentContext);
  if (!(asked instanceof Promise)) return asked;
  asked.catch(() => {});
  return input;
}
