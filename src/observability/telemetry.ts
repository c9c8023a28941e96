// Traces: the ids, the stamps and the few calls that every part uses. `@opentelemetry/api` alone: without an SDK each call is a
// cheap no-op that still passes the trace context on. Names are in span-names.ts, the shape of a trace in docs/observability.md.
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
import { ATTR } from './span-names.ts';

const TRACER = 'quorate';

/** A clock that was set back by more than this is followed; before that, stamps wait for it. */
const MOST_STANDSTILL_MS = 1_000;
const US = 0.001;

let fineOffset = performance.timeOrigin;
let lastStamp = Number.NEGATIVE_INFINITY;

/**
 * The instant for a span, in epoch ms with µs. It is this machine's clock, so that it agrees with what other libraries stamp, and
 * no two are equal: what comes first in this process ends before the next one begins.
 */
export function traceNow(): number {
  const wall = Date.now();
  const fine = performance.now();
  const early = wall - (fine + fineOffset);
  if (early > 0) fineOffset += early;
  else if (early <= -1) fineOffset += early + 1 - US;
  const now = Math.floor((fine + fineOffset) * 1_000) / 1_000;
  const stands = lastStamp >= now && lastStamp - now < MOST_STANDSTILL_MS;
  lastStamp = stands ? Math.round((lastStamp + US) * 1_000) / 1_000 : now;
  return lastStamp;
}

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
  /** Epoch ms. Default: now. */
  readonly startTime?: number;
  /** Asked when it is over: when that was (epoch ms), or `never` for a span that is not to be exported. Default: now. */
  readonly endTime?: () => number | 'never' | undefined;
  /** Left out: the active span. Given as undefined, as by a message without a trace: nobody, whatever is active. */
  readonly parent?: SpanParent | undefined;
  readonly attributes?: Attributes;
  readonly links?: readonly (string | SpanContext)[];
}

function toSpanOptions({
  kind,
  attributes,
  links,
}: Pick<SpanInput, 'kind' | 'attributes' | 'links'>): SpanOptions {
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
  // Where nobody records, nothing is stamped: a stamp costs more than all the rest.
  const isStamped = isTracing();
  const begin = isStamped ? { startTime: toHrTime(input.startTime ?? traceNow()) } : {};
  const span = trace.getTracer(TRACER).startSpan(name, { ...toSpanOptions(input), ...begin }, parent);
  const end = (): void => {
    if (!isStamped) return span.end();
    const at = input.endTime?.();
    if (at !== 'never') span.end(toHrTime(at ?? traceNow()));
  };
  const fail = (thrown: unknown): never => {
    recordFailure(span, thrown);
    end();
    throw thrown;
  };
  let result: unknown;
  try {
    result = context.with(trace.setSpan(parent, span), fn, undefined, span);
  } catch (thrown) {
    return fail(thrown);
  }
  const succeed = (value: unknown): unknown => {
    end();
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

/** Of the span that `recordSpan` is making. */
export function reservedSpanIds(): SpanIds | undefined {
  return globals[SPAN_ID_SLOT];
}

/** A span that is over, with the ids it was given when it began. */
export interface RecordedSpan extends Omit<SpanInput, 'endTime'> {
  readonly name: string;
  readonly spanContext: SpanContext;
  /** Epoch ms. */
  readonly startTime: number;
  readonly endTime: number;
  readonly status?: { readonly ok: true } | { readonly ok: false; readonly error: unknown };
}

/** Not the number itself: the SDK takes a small one for an instant of this process's own clock. Whole µs, as Jaeger keeps them. */
function toHrTime(epochMs: number): HrTime {
  const us = Math.round(epochMs * 1_000);
  const seconds = Math.floor(us / 1_000_000);
  return [seconds, (us - seconds * 1_000_000) * 1_000];
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
    // Jaeger takes a span without a duration for one with a negative one.
    span.end(toHrTime(Math.max(startTime + US, endTime)));
  } finally {
    globals[SPAN_ID_SLOT] = undefined;
  }
}
