// The ids of an actor's spans. They follow from its incarnation, so that any host can write them on messages now and export the
// span when it is over (record-spans.ts). Who waits decides where they lie: an actor that somebody waits for is a part of that
// trace; one that was only started is the root of a trace of its own (docs/decisions/0185-who-waits-decides.md).
import { createTraceState, type SpanContext } from '@opentelemetry/api';
import { type ActorAddress, formatAddress } from '../../contract/address.ts';
import type { Carried } from '../../contract/trace.ts';
import { type InboundMessage, PROPERTY } from '../../contract/wire.ts';
import { carriedIn } from '../../observability/carried.ts';
import {
  deriveSpanContext,
  formatTraceparent,
  isTracing,
  parseTraceparent,
} from '../../observability/telemetry.ts';
import type { SessionState } from './state/session-state.ts';

/** What the spans of a batch are stamped by, in epoch ms. */
export interface BatchTrace {
  /** When it began; of one that only tells an actor to stop, when its parent said so. */
  readonly begunAt: number;
  /** It is such a one. */
  readonly isTold?: true;
  /** When its actor was over: set with the commit that ended it. Nothing of that batch has a span after it. */
  overAt?: number;
}

/** Where an actor's spans hang. Without `traced`, as in states of older hosts, in the trace of its start. */
export type Origin = Pick<SessionState, 'traceparent' | 'traced'>;

/**
 * Of an actor that this message starts. `begunAt`: when the batch began that starts it (epoch ms), where it is traced. Nothing
 * where nobody traces.
 */
export function originOf(
  { traceparent, properties, enqueuedAt }: InboundMessage,
  begunAt: number | undefined,
): Origin {
  if (traceparent === undefined && begunAt === undefined) return {};
  const within = properties[PROPERTY.within] === true;
  const carried = carriedIn(properties);
  return {
    ...(traceparent === undefined ? {} : { traceparent }),
    traced: {
      from: begunAt ?? enqueuedAt,
      ...(within ? { within } : {}),
      ...(Object.keys(carried).length === 0 ? {} : { carried }),
    },
  };
}

/** The span that an actor's own hangs under; undefined for the root of a trace. */
export function parentOfActor({ traceparent, traced }: Origin): string | undefined {
  return traced === undefined || traced.within === true ? traceparent : undefined;
}

/** An actor's span, and what travels beside it. */
export interface ActorSpan extends SpanContext {
  readonly carried?: Carried;
}

/** What messages of an actor carry. */
export function actorSpan(origin: Origin, actor: ActorAddress, incarnation: string): ActorSpan {
  const seed = `${formatAddress(actor)}#${incarnation}`;
  const { traceFlags } = parseTraceparent(origin.traceparent) ?? {};
  const span = deriveSpanContext(seed, parseTraceparent(parentOfActor(origin))?.traceId, traceFlags);
  const { carried } = origin.traced ?? {};
  if (carried === undefined) return span;
  const { tracestate } = carried;
  return {
    ...span,
    carried,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
}

/** For an answer to a client, which links to the actor. Nothing where nobody traces. */
export function actorTraceparent(
  origin: Origin,
  actor: ActorAddress,
  incarnation: string | undefined,
): string | undefined {
  if (incarnation === undefined || (origin.traceparent === undefined && !isTracing())) return undefined;
  return formatTraceparent(actorSpan(origin, actor, incarnation));
}

/** Of a task, a scatter (`branch` is null) or one of its branches. */
export function executionSpan(
  span: SpanContext,
  actor: ActorAddress,
  incarnation: string,
  execution: string,
  branch: number | null,
): SpanContext {
  const seed = `${formatAddress(actor)}#${incarnation}/${execution}${branch === null ? '' : `/${branch}`}`;
  return partOf(span, seed);
}

/** A span in the trace of another, by what it covers. */
export function partOf({ traceId, traceFlags }: SpanContext, seed: string): SpanContext {
  return deriveSpanContext(seed, traceId, traceFlags);
}

/** What a task carries: the span from its asking to its accepted answer, exported once the answer is in. */
export function taskTraceparent(...of: Parameters<typeof executionSpan>): string {
  return formatTraceparent(executionSpan(...of));
}
