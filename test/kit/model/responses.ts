// How OpenAI's responses stream: what the chat completions say with a list of items, each of which is opened and closed.
import type { Answer, Counted } from './openai.ts';

export function toResponseUsage({
  inputTokens,
  outputTokens,
  cachedTokens,
  reasoningTokens,
}: Counted): object {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedTokens ?? 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens ?? 0 },
    total_tokens: inputTokens + outputTokens,
  };
}

const ITEM = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [] };

export const responses = {
  begin: ({ model }: Answer): string => event({ type: 'response.created', response: frame(model) }),
  piece: (_model: string, delta: string, n: number): string =>
    (n > 0 ? '' : event({ type: 'response.output_item.added', output_index: 0, item: ITEM })) +
    event({ type: 'response.output_text.delta', item_id: ITEM.id, output_index: 0, content_index: 0, delta }),
  end: ({ model, pieces, toolCalls, finish, usage }: Answer): string => {
    const reason = REASON[finish ?? ''];
    const isWhole = reason === undefined;
    const more = isWhole ? {} : { incomplete_details: { reason } };
    return [
      ...(pieces.length === 0
        ? []
        : [event({ type: 'response.output_item.done', output_index: 0, item: ITEM })]),
      ...toolCalls.flatMap(({ name, input }, at) => {
        const output_index = at + Math.min(1, pieces.length);
        const call = { type: 'function_call', id: `fc_${at}`, call_id: `call_${at}`, name };
        const whole = { ...call, arguments: JSON.stringify(input), status: 'completed' };
        return [
          event({ type: 'response.output_item.added', output_index, item: { ...call, arguments: '' } }),
          event({ type: 'response.output_item.done', output_index, item: whole }),
        ];
      }),
      ...(finish === null
        ? []
        : [
            event({
              type: isWhole ? 'response.completed' : 'response.incomplete',
              response: { ...frame(model), ...more, ...(usage === undefined ? {} : { usage }) },
            }),
          ]),
    ].join('');
  },
  failure: (error: object): string => event({ type: 'error', sequence_number: 9, error }),
};

const REASON: Readonly<Record<string, string>> = {
  length: 'max_output_tokens',
  content_filter: 'content_filter',
};

function frame(model: string): object {
  return { id: 'resp_1', object: 'response', created_at: 0, model };
}

function event(data: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
