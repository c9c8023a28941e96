// How OpenAI's chat completions look, as JSON and as events of a stream.

export interface ToolCall {
  readonly name: string;
  readonly input: object;
}

/** What one answer says. */
export interface Answer {
  readonly model: string;
  readonly pieces: readonly string[];
  readonly toolCalls: readonly ToolCall[];
  /** Null: it ends without a reason. */
  readonly finish: string | null;
  /** Undefined: nothing is said of it. */
  readonly usage: object | undefined;
}

export interface Counted {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number | undefined;
  readonly reasoningTokens: number | undefined;
}

export function toUsage({ inputTokens, outputTokens, cachedTokens, reasoningTokens }: Counted): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    ...(cachedTokens === undefined ? {} : { prompt_tokens_details: { cached_tokens: cachedTokens } }),
    ...(reasoningTokens === undefined
      ? {}
      : { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  };
}

export function completion({ model, pieces, toolCalls, finish, usage }: Answer): object {
  const calls = toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map(toCall) };
  const message = { role: 'assistant', content: pieces.join(''), ...calls };
  return {
    ...frame(model),
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: finish }],
    ...(usage === undefined ? {} : { usage }),
  };
}

/** As it is streamed. */
export const chat = {
  begin: (): string => '',
  piece,
  end: ending,
  failure: (error: object): string => event({ error }),
};

function piece(model: string, content: string): string {
  return delta(model, { content }, null);
}

/** All that comes behind the last piece. */
function ending({ model, toolCalls, finish, usage }: Answer): string {
  const calls = toolCalls.map((call, index) => ({ index, ...toCall(call, index) }));
  return [
    ...(calls.length === 0 ? [] : [delta(model, { tool_calls: calls }, null)]),
    ...(finish === null ? [] : [delta(model, {}, finish)]),
    ...(usage === undefined ? [] : [event({ ...frame(model), choices: [], usage })]),
    'data: [DONE]\n\n',
  ].join('');
}

function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

function toCall({ name, input }: ToolCall, at: number): object {
  return { id: `call-${at + 1}`, type: 'function', function: { name, arguments: JSON.stringify(input) } };
}

function delta(model: string, what: object, finish: string | null): string {
  return event({ ...frame(model), choices: [{ index: 0, delta: what, finish_reason: finish }] });
}

function frame(model: string): object {
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 0, model };
}
