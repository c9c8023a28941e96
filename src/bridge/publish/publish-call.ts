// One call of `publish`: its messages may leave in several batches; it ends with the last of them, or the first failure.
import { type Span, type SpanContext, SpanKind } from '@opentelemetry/api';
import { tooLate } from '../../contract/errors.ts';
import type { Published } from '../../contract/ports.ts';
import { MAX_LINKS } from '../../contract/turn.ts';
import type { WireMessage } from '../../contract/wire.ts';
import { ATTR, MESSAGING_SYSTEM, SPAN } from '../../observability/span-names.ts';
import { inSpan, isTracing, parseTraceparent } from '../../observability/telemetry.ts';

export class PublishCall {
  readonly #results: Published[];
  #left: number;
  #failed = false;
  readonly #mayBegin: () => boolean;
  readonly #end = Promise.withResolvers<readonly Published[]>();

  constructor(count: number, mayBegin: () => boolean = () => true) {
    this.#mayBegin = mayBegin;
    this.#results = Array.from({ length: count }, () => ({}));
    this.#left = count;
    if (count === 0) this.#end.resolve(this.#results);
  }

  get promise(): Promise<readonly Published[]> {
    return this.#end.promise;
  }

  /** Nothing more of a failed call is sent: what follows must not overtake what did not leave. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Ask it before each send: a call that is too late fails then (I2). */
  get late(): boolean {
    if (!this.#mayBegin()) this.fail(tooLate());
    return this.#failed;
  }

  accepted(index: number, published?: Published): void {
    if (published !== undefined) this.#results[index] = published;
    this.#left -= 1;
    if (this.#left === 0) this.#end.resolve(this.#results);
  }

  fail(error: unknown): void {
    this.#failed = true;
    this.#end.reject(error);
  }
}

/** One message on its way, and where its result belongs. */
export interface PendingMessage {
  readonly message: WireMessage;
  readonly call: PublishCall;
  readonly index: number;
  /** The span that was active when it was published. */
  readonly from?: SpanContext | undefined;
}

// One CLIENT span for each batch handed to the broker, where one of its messages was published within a span of their trace: that
// waits until they are accepted, so its time holds this one. It links to the messages' own contexts.

/** Answers to clients are not worth a span. */
const UNTRACED: ReadonlySet<string> = new Set(['answer']);

export function inSendSpan<T>(
  entity: string,
  pendingMessages: readonly PendingMessage[],
  send: () => Promise<T>,
): Promise<T> {
  if (!isTracing()) return send();
  const traced = pendingMessages.filter(({ message }) => !UNTRACED.has(message.subject));
  const parent = traced.find(isWithin)?.from;
  if (parent === undefined) return send();
  const attributes = {
    [ATTR.messagingSystem]: MESSAGING_SYSTEM,
    [ATTR.messagingDestination]: entity,
    [ATTR.messagingOperationName]: 'send',
    [ATTR.messagingOperationType]: 'send',
    [ATTR.messagingBatchCount]: pendingMessages.length,
  };
  return inSpan(SPAN.send(entity), { kind: SpanKind.CLIENT, parent, attributes }, (span) => {
    if (span.isRecording()) link(span, traced, parent);
    return send();
  });
}

function isWithin({ from, message }: PendingMessage): boolean {
  return from !== undefined && parseTraceparent(message.traceparent)?.traceId === from.traceId;
}

/** Not to its parent: Jaeger would take it for what follows that, and not for its child. */
function link(span: Span, pendingMessages: readonly PendingMessage[], parent: SpanContext): void {
  const seen = new Set<string>();
  for (const { message } of pendingMessages) {
    const linked = parseTraceparent(message.traceparent);
    if (linked === undefined || message.traceparent === undefined || seen.has(message.traceparent)) continue;
    if (linked.spanId === parent.spanId) continue;
    seen.add(message.traceparent);
    span.addLink({ context: linked });
    if (seen.size === MAX_LINKS) return;
  }
}
