// How Anthropic's messages stream: named events, with what was read said at the beginning and what was written at the end.
import type { Answer, Counted } from './openai.ts';

/** Input without what came from the cache, as Anthropic counts. */
export function toMessageUsage({ inputTokens, outputTokens, cachedTokens }: Counted): object {
  return {
    input_tokens: inputTokens - (cachedTokens ?? 0),
    output_tokens: outputTokens,
    ...(cachedTokens === undefined ? {} : { cache_read_input_tokens: cachedTokens }),
  };
}

export const messages = {
  begin: ({ model, usage }: Answer): string =>
    [
      event({
        type: 'message_start',
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { ...usage, output_tokens: 1 },
        },
      }),
      event({ type: 'ping' }),
    ].join(''),
  piece: (_model: string, text: string, n: number): string =>
    (n > 0
      ? ''
      : event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })) +
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  end: ({ pieces, toolCalls, finish, usage }: Answer): string => {
    const stop = {
      type: 'message_delta',
      delta: { stop_reason: REASON[finish ?? ''] ?? finish, stop_sequence: null },
      usage,
    };
    return [
      ...(pieces.length === 0 ? [] : [event({ type: 'content_block_stop', index: 0 })]),
      ...toolCalls.flatMap(({ name, input }, at) => {
        const index = at + Math.min(1, pieces.length);
        const block = { type: 'tool_use', id: `toolu_${at}`, name, input: {} };
        const delta = { type: 'input_json_delta', partial_json: JSON.stringify(input) };
        return [
          event({ type: 'content_block_start', index, content_block: block }),
          event({ type: 'content_block_delta', index, delta }),
          event({ type: 'content_block_stop', index }),
        ];
      }),
      ...(finish === null ? [] : [event(stop), event({ type: 'message_stop' })]),
    ].join('');
  },
  failure: (error: object): string => event({ type: 'error', error }),
};

const REASON: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  tool_calls: 'tool_use',
  length: 'max_tokens',
  content_filter: 'refusal',
};

function event(data: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
