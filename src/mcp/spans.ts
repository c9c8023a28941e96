// Spans of calls of MCP tools, by the conventions of MCP and GenAI, where they are made and where they are served. The context travels
// in `_meta`, as MCP has it (SEP-414).
import { type Attributes, SpanKind } from '@opentelemetry/api';
import type { JsonObject } from '../contract/json.ts';
import { carriedFrom, withCarried } from '../observability/carried.ts';
import { ATTR, SPAN } from '../observability/span-names.ts';
import { contextOf, inSpan, traceparentOf } from '../observability/telemetry.ts';

/** `meta`: what the request carries, nothing where nobody traces. */
export function inToolCall<T>(
  tool: string,
  server: string,
  fn: (meta: JsonObject) => Promise<T>,
): Promise<T> {
  const attributes = { ...attributesOf(tool), [ATTR.mcpServer]: server };
  return inSpan(SPAN.mcpCall(tool), { kind: SpanKind.CLIENT, attributes }, (span) => {
    const traceparent = traceparentOf(span);
    return fn(traceparent === undefined ? {} : { traceparent, ...carriedFrom() });
  });
}

/** `meta`: of the request. */
export function inServedCall<T>(
  tool: string,
  meta: Readonly<Record<string, unknown>> = {},
  fn: () => Promise<T>,
): Promise<T> {
  const given = meta['traceparent'];
  const traceparent = typeof given === 'string' ? given : undefined;
  const parent = withCarried(contextOf(traceparent), traceparent, meta);
  return inSpan(SPAN.mcpCall(tool), { kind: SpanKind.SERVER, parent, attributes: attributesOf(tool) }, fn);
}

function attributesOf(tool: string): Attributes {
  return {
    [ATTR.mcpMethod]: 'tools/call',
    [ATTR.genAiOperation]: 'execute_tool',
    [ATTR.genAiTool]: tool,
  };
}
