// The span of a client's call, around the whole wait for its answer and linked to the actor that gave it.
import { type Span, SpanKind } from '@opentelemetry/api';
import { carriedFrom } from '../observability/carried.ts';
import { ATTR, type Call, SPAN } from '../observability/span-names.ts';
import { inSpan, parseTraceparent, type SpanInput, traceparentOf } from '../observability/telemetry.ts';

export interface CallSpan {
  /** For the message; empty where nobody traces. */
  readonly carried: { readonly traceparent?: string; readonly properties?: Readonly<Record<string, string>> };
  /** What an answer came with: the actor's own span, in its trace. */
  readonly answeredBy: (traceparent: string | undefined) => void;
}

export function inCallSpan<T>(
  call: Call,
  type: string,
  id: string,
  fn: (span: CallSpan) => Promise<T>,
): Promise<T> {
  return inSpan(SPAN.call(call, type), inputOf(type, id), (span) => fn(toCallSpan(span)));
}

function inputOf(type: string, id: string): SpanInput {
  return { kind: SpanKind.CLIENT, attributes: { [ATTR.actor]: `${type}/${id}` } };
}

function toCallSpan(span: Span): CallSpan {
  const traceparent = traceparentOf(span);
  let linked: string | undefined;
  return {
    carried: traceparent === undefined ? {} : { traceparent, properties: { ...carriedFrom() } },
    answeredBy: (given) => {
      const actor = parseTraceparent(given);
      // Of the same trace it is below this span, or beside it.
      if (actor === undefined || actor.spanId === linked || actor.traceId === span.spanContext().traceId)
        return;
      linked = actor.spanId;
      span.addLink({ context: actor });
    },
  };
}

/** The same for what is followed until it ends, or its reader has enough. */
export async function* inWatchSpan<T>(
  type: string,
  id: string,
  open: (span: CallSpan) => AsyncGenerator<T, void, undefined>,
): AsyncGenerator<T, void, undefined> {
  const over = Promise.withResolvers<void>();
  let transitions = 0;
  const given = Promise.withResolvers<CallSpan>();
  const recorded = inSpan(SPAN.call('watch', type), inputOf(type, id), async (span) => {
    given.resolve(toCallSpan(span));
    try {
      await over.promise;
    } finally {
      span.setAttribute(ATTR.transitions, transitions);
    }
  });
  recorded.catch(() => {});
  try {
    for await (const transition of open(await given.promise)) {
      transitions++;
      yield transition;
    }
  } catch (thrown) {
    over.reject(thrown);
    throw thrown;
  } finally {
    over.resolve();
  }
}
