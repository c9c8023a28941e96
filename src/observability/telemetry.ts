// Traces: the names, the ids and the few calls that every part uses. `@opentelemetry/api` alone: without an SDK each
// call is a cheap no-op that still passes the trace context on. The shape of a trace is in docs/observability.md.
import { hash } from 'node:crypto';
import {
  type Attributes,
  type Context,
  context,
  type Exception,
  type HrTime,
  INVALID_SPANID,
  INVALID_TRACEID,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanOptions,
  SpanStatusCode,
  TraceFlags,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { redact } from './redaction.ts';

/** Span names by what they cover; each keeps to few values, so that they can be searched and counted by name. */
export const SPAN = {
  /** An actor's whole life, recorded when it ends. INTERNAL. */
  actor: (type: string) => `actor ${type}`,
  /** One batch of turns under one lock. CONSUMER. */
  process: (entity: string) => `process ${entity}`,
  turn: (type: string) => `turn ${type}`,
  /** One batch handed to the broker: CLIENT. PRODUCER only when nobody waits for what it starts. */
  send: (entity: string) => `send ${entity}`,
  /** From asking to the accepted answer. INTERNAL, recorded when the answer is in. */
  task: (agent: string) => `task ${agent}`,
  /** Short, at dispatch: something to see while the retroactive spans are still to come. */
  scatter: (name: string) => `scatter ${name}`,
  /** From the scatter's commit to the gather's decision. INTERNAL, recorded at the decision. */
  scatterGather: (name: string) => `scatter-gather ${name}`,
  /** The decision, linked to the replies it accepted. */
  gather: (name: string) => `gather ${name}`,
  /** A client's call: covers the wait for its answer. */
  call: (operation: 'start' | 'send' | 'query' | 'result', type: string) => `${operation} ${type}`,
  /** An agent's run of one attempt. */
  agent: (agent: string) => `invoke_agent ${agent}`,
  tool: (tool: string) => `execute_tool ${tool}`,
  chat: (model: string) => `chat ${model}`,
} as const;

/** Attribute names. Messaging is semantic conventions 1.44; 1.45 renames it, so the names are here and nowhere else. */
export const ATTR = {
  /** `type/id`: the tag that finds everything of one actor. */
  actor: 'quorate.actor',
  incarnation: 'quorate.incarnation',
  turn: 'quorate.turn',
  turns: 'quorate.turns',
  status: 'quorate.status',
  execution: 'quorate.execution',
  branch: 'quorate.branch',
  agent: 'quorate.agent',
  attempt: 'quorate.attempt',
  /** done, error, late, stale, duplicate … */
  outcome: 'quorate.outcome',
  total: 'quorate.gather.total',
  ok: 'quorate.gather.ok',
  failed: 'quorate.gather.failed',
  missing: 'quorate.gather.missing',
  duplicates: 'quorate.gather.duplicates',
  /** Accepted replies that are not linked because of MAX_GATHER_LINKS. */
  unlinked: 'quorate.gather.unlinked',
  replayOf: 'quorate.replay.of',
  replayReason: 'quorate.replay.reason',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  messagingSystem: 'messaging.system',
  messagingDestination: 'messaging.destination.name',
  messagingOperationName: 'messaging.operation.name',
  messagingOperationType: 'messaging.operation.type',
  messagingMessageId: 'messaging.message.id',
  messagingConversationId: 'messaging.message.conversation_id',
  messagingBatchCount: 'messaging.batch.message_count',
  messagingDeliveryCount: 'messaging.servicebus.message.delivery_count',
  messagingEnqueuedTime: 'messaging.servicebus.message.enqueued_time',
  messagingDisposition: 'messaging.servicebus.disposition_status',
  genAiOperation: 'gen_ai.operation.name',
  genAiProvider: 'gen_ai.provider.name',
  genAiModel: 'gen_ai.request.model',
  genAiAgent: 'gen_ai.agent.name',
  genAiTool: 'gen_ai.tool.name',
  genAiInputTokens: 'gen_ai.usage.input_tokens',
  genAiOutputTokens: 'gen_ai.usage.output_tokens',
  genAiCachedTokens: 'gen_ai.usage.cache_read.input_tokens',
  genAiReasoningTokens: 'gen_ai.usage.reasoning.output_tokens',
  /** Millionths of a USD that the attempt cost, as far as it is known. */
  microUsd: 'quorate.usage.micro_usd',
  mcpMethod: 'mcp.method.name',
} as const;

export const MESSAGING_SYSTEM = 'servicebus';

const TRACER = 'quorate';

/** Whether anybody records spans. The provider of the API itself hands calls on to an SDK, once there is one. */
export function isTracing(): boolean {
  const provider: TracerProvider & { getDelegateTracer?(name: string): unknown } = trace.getTracerProvider();
  return provider.getDelegateTracer === undefined || provider.getDelegateTracer(TRACER) !== undefined;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for what is not a valid traceparent: a bad header starts a new trace, it is no error. */
export function parseTraceparent(text: string | undefined): SpanContext | undefined {
  const match = text === undefined ? null : TRACEPARENT.exec(text);
  if (match === null) return undefined;
  const [, traceId = INVALID_TRACEID, spanId = INVALID_SPANID, flags = '0'] = match;
  if (traceId === INVALID_TRACEID || spanId === INVALID_SPANID) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
}

export function formatTraceparent(span: SpanContext): string {
  return `00-${span.traceId}-${span.spanId}-0${span.traceFlags & TraceFlags.SAMPLED}`;
}

/** The context a message came with. Without a (valid) traceparent it is the root: nothing ambient leaks in. */
export function contextOf(traceparent?: string): Context {
  const remote = parseTraceparent(traceparent);
  return remote === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote);
}

/** What to write on a message sent from here; undefined where there is no trace. */
export function traceparentOf(from: Span | SpanContext | Context): string | undefined {
  const span = spanContextOf(from);
  return span !== undefined && isSpanContextValid(span) ? formatTraceparent(span) : undefined;
}

function spanContextOf(from: Span | SpanContext | Context): SpanContext | undefined {
  if ('spanContext' in from) return from.spanContext();
  return 'traceId' in from ? from : trace.getSpanContext(from);
}

/** The parent of a span. A traceparent that does not parse starts a new trace. */
export type SpanParent = string | Span | SpanContext | Context;

function parentContext(parent: SpanParent | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  if (typeof parent === 'string') return contextOf(parent);
  if (!('spanContext' in parent) && !('traceId' in parent)) return parent;
  const span = spanContextOf(parent);
  return span !== undefined && isSpanContextValid(span)
    ? trace.setSpanContext(ROOT_CONTEXT, span)
    : ROOT_CONTEXT;
}

/** What did not parse is left out: a link is a help to the reader, never worth a failure. */
function toLinks(links: readonly (string | SpanContext)[]): Link[] {
  return links.flatMap((link) => {
    const linked = typeof link === 'string' ? parseTraceparent(link) : link;
    return linked === undefined ? [] : [{ context: linked }];
  });
}

export interface SpanInput {
  readonly kind?: SpanKind;
  /** Left out: the active span. Given as undefined, as by a message without a trace: nobody, whatever is active. */
  readonly parent?: SpanParent | undefined;
  readonly attributes?: Attributes;
  readonly links?: readonly (string | SpanContext)[];
}

function toSpanOptions({ kind, attributes, links }: SpanInput): SpanOptions {
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(links === undefined ? {} : { links: toLinks(links) }),
  };
}

/**
 * Runs `fn` in a span and ends it when `fn` ends; what it throws is recorded and thrown on. Use the span it is given,
 * not the active one: without an SDK nothing is active, and the given span carries the parent's ids on.
 */
export function inSpan<T>(name: string, input: SpanInput, fn: (span: Span) => T): T;
export function inSpan(name: string, input: SpanInput, fn: (span: Span) => unknown): unknown {
  const parent = 'parent' in input ? parentContext(input.parent) : context.active();
  const span = trace.getTracer(TRACER).startSpan(name, toSpanOptions(input), parent);
  const fail = (thrown: unknown): never => {
    recordFailure(span, thrown);
    span.end();
    throw thrown;
  };
  let result: unknown;
  try {
    result = context.with(trace.setSpan(parent, span), fn, undefined, span);
  } catch (thrown) {
    return fail(thrown);
  }
  const succeed = (value: unknown): unknown => {
    span.end();
    return value;
  };
  return result instanceof Promise ? result.then(succeed, fail) : succeed(result);
}

/** Marks a span as failed: for outcomes that are data, and for what was thrown. */
export function recordFailure(span: Span, failure: unknown): void {
  const { type, message } = describeFailure(failure);
  if (failure instanceof Error) span.recordException(withoutSecrets(failure));
  span.setAttribute(ATTR.errorType, type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: redact(message) });
}

function withoutSecrets({ name, message, stack }: Error): Exception {
  return { name, message: redact(message), ...(stack === undefined ? {} : { stack: redact(stack) }) };
}

function describeFailure(failure: unknown): { type: string; message: string } {
  if (typeof failure !== 'object' || failure === null) return { type: '_OTHER', message: String(failure) };
  const { code, name, message }: { code?: unknown; name?: unknown; message?: unknown } = failure;
  const type = [code, name].find((one) => typeof one === 'string');
  return { type: type ?? '_OTHER', message: typeof message === 'string' ? message : '' };
}

function hexOf(text: string, hexDigits: number): string {
  const digest = hash('sha256', text).slice(0, hexDigits);
  return /[1-9a-f]/.test(digest) ? digest : digest.replace(/.$/, '1');
}

/** The trace of a saga or actor that was started without a trace. */
export function deriveTraceId(text: string): string {
  return hexOf(`trace|${text}`, 32);
}

/**
 * A span's ids before it exists, the same in every process and after every crash: `seed` names what the span covers
 * (actor, incarnation, execution, branch). Messages carry it as their parent; `recordSpan` exports it when it is over.
 */
export function deriveSpanContext(
  seed: string,
  traceId: string = deriveTraceId(seed),
  traceFlags: number = TraceFlags.SAMPLED,
): SpanContext {
  return { traceId, spanId: hexOf(`span|${seed}`, 16), traceFlags };
}

/**
 * Where `recordSpan` leaves the ids of the span being made, for the SDK's id generator: set before `startSpan`, removed right
 * after it. A global symbol, because the generator is in a package that imports nothing of this one (otel/id-generator.ts
 * describes the other end), and because several copies of either package may be loaded.
 */
const SPAN_ID_SLOT: unique symbol = Symbol.for('quorate.span-ids');

interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
}

const globals: { [SPAN_ID_SLOT]?: SpanIds | undefined; readonly globalThis: unknown } = globalThis;

/** A span that is over, with the ids it was given when it began. */
export interface RecordedSpan extends SpanInput {
  readonly name: string;
  readonly spanContext: SpanContext;
  /** Epoch ms. */
  readonly startTime: number;
  readonly endTime: number;
  readonly status?: { readonly ok: true } | { readonly ok: false; readonly error: unknown };
}

/** Jaeger takes a span without a duration for one with a negative one. */
const MIN_DURATION_MS = 0.001;

/** Not the number itself: the SDK takes a small one for an instant of this process's own clock. */
function toHrTime(epochMs: number): HrTime {
  const seconds = Math.floor(epochMs / 1_000);
  return [seconds, Math.round((epochMs - seconds * 1_000) * 1_000_000)];
}

/** Call it once, after the commit that ended what the span covers: a backend does not overwrite, a repeat is a twin. */
export function recordSpan(input: RecordedSpan): void {
  const { name, spanContext, startTime, endTime, status } = input;
  const parent = parentContext(input.parent);
  if ((spanContext.traceFlags & TraceFlags.SAMPLED) === 0) return;
  globals[SPAN_ID_SLOT] = { traceId: spanContext.traceId, spanId: spanContext.spanId };
  try {
    const options = { ...toSpanOptions(input), startTime: toHrTime(startTime) };
    const span = trace.getTracer(TRACER).startSpan(name, options, parent);
    if (status?.ok === false) recordFailure(span, status.error);
    span.end(toHrTime(Math.max(startTime + MIN_DURATION_MS, endTime)));
  } finally {
    globals[SPAN_ID_SLOT] = undefined;
  }
}
