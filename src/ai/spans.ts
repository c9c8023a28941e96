// Spans of a model agent, by the conventions of GenAI: one a call of its model, with what it used, and one a tool. The attempt around
// them is the agent's own (`invoke_agent`), and has the sum with its cost.
import { SpanKind } from '@opentelemetry/api';
import type * as Ai from 'ai';
import { ATTR, SPAN } from '../observability/span-names.ts';
import { inSpan } from '../observability/telemetry.ts';

interface Model {
  readonly modelId: string;
  /** Such as `openai.responses`: the conventions know what is before the dot. */
  readonly provider: string;
}

interface Used {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly cachedInputTokens?: number | undefined;
  readonly reasoningTokens?: number | undefined;
}

/** The span of one call, until one of the two is called. */
export interface ChatSpan {
  ended(finishReason: string, used: Used): void;
  failed(error: Error): void;
}

export function openChat({ modelId, provider }: Model, maxOutputTokens: number): ChatSpan {
  const over = Promise.withResolvers<{ readonly finishReason: string; readonly used: Used }>();
  const attributes = {
    [ATTR.genAiOperation]: 'chat',
    [ATTR.genAiProvider]: provider.split('.')[0] ?? provider,
    [ATTR.genAiModel]: modelId,
    [ATTR.genAiMaxTokens]: maxOutputTokens,
  };
  const recorded = inSpan(SPAN.chat(modelId), { kind: SpanKind.CLIENT, attributes }, async (span) => {
    const { finishReason, used } = await over.promise;
    span.setAttribute(ATTR.genAiFinishReasons, [finishReason]);
    for (const [name, count] of Object.entries(TOKENS)) {
      const value = used[count];
      if (value !== undefined) span.setAttribute(name, value);
    }
  });
  // What failed is thrown where it is found.
  recorded.catch(() => {});
  return {
    ended: (finishReason, used) => over.resolve({ finishReason, used }),
    failed: (error) => over.reject(error),
  };
}

const TOKENS = {
  [ATTR.genAiInputTokens]: 'inputTokens',
  [ATTR.genAiOutputTokens]: 'outputTokens',
  [ATTR.genAiCachedTokens]: 'cachedInputTokens',
  [ATTR.genAiReasoningTokens]: 'reasoningTokens',
} as const;

type Execute = NonNullable<Ai.Tool['execute']>;

/** The tools with a span around each that runs here. */
export function tracedTools(tools: Ai.ToolSet): Ai.ToolSet {
  return Object.fromEntries(
    Object.entries(tools).map(([name, tool]) => {
      const { execute } = tool as { readonly execute?: Execute };
      if (execute === undefined) return [name, tool];
      const traced: Execute = (input, options) => {
        const attributes = {
          [ATTR.genAiOperation]: 'execute_tool',
          [ATTR.genAiTool]: name,
          [ATTR.genAiToolCall]: options.toolCallId,
        };
        // One that streams gives an iterable at once: its span says that it was asked.
        return inSpan(SPAN.tool(name), { kind: SpanKind.INTERNAL, attributes }, () =>
          execute(input, options),
        );
      };
      return [name, { ...tool, execute: traced }];
    }),
  ) as Ai.ToolSet;
}
