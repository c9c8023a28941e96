// One call of `publish`: its messages may leave in several batches; it ends with the last of them, or the first failure.
import { ROOT_CONTEXT, type Span, type SpanContext, SpanKind } from '@opentelemetry/api';
import { tooLate } from '../../contract/errors.ts';
import type { Published } from '../../contract/ports.ts';
import { MAX_GATHER_LINKS } from '../../contract/turn.ts';
import type { WireMessage } from '../../contract/wire.ts';
import {
  ATTR,
  inSpan,
  isTracing,
  MESSAGING_SYSTEM,
  parseTraceparent,
  SPAN,
} from '../../observability/telemetry.ts';

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

// One CLIENT span for each batch handed to the broker, linked to the messages' own contexts. A batch of one trace hangs
// where it was published. A batch that mixes the traces of many actors has no parent.

export function inSendSpan<T>(
  entity: string,
  pendingMessages: readonly PendingMessage[],
  send: () => Promise<T>,
): Promise<T> {
  // Answers to clients carry no context, and are not worth a trace.
  if (!isTracing() || pendingMessages.every(({ message }) => message.traceparent === undefined))
    return send();
  const attributes = {
    [ATTR.messagingSystem]: MESSAGING_SYSTEM,
    [ATTR.messagingDestination]: entity,
    [ATTR.messagingOperationName]: 'send',
    [ATTR.messagingOperationType]: 'send',
    [ATTR.messagingBatchCount]: pendingMessages.length,
  };
  const parent = parentOf(pendingMessages) ?? ROOT_CONTEXT;
  return inSpan(SPAN.send(entity), { kind: SpanKind.CLIENT, parent, attributes }, (span) => {
    if (span.isRecording()) link(span, pendingMessages);
    return send();
  });
}

function parentOf(pendingMessages: readonly PendingMessage[]): SpanContext | undefined {
  const [first, ...rest] = pendingMessages;
  const own = parseTraceparent(first?.message.traceparent);
  const traceId = own?.traceId;
  if (rest.some(({ message }) => parseTraceparent(message.traceparent)?.traceId !== traceId))
    return undefined;
  const from = first?.from;
  return from !== undefined && from.traceId === traceId ? from : own;
}

function link(span: Span, pendingMessages: readonly PendingMessage[]): void {
  const seen = new Set<string>();
  for (const { message } of pendingMessages) {
    const linked = parseTraceparent(message.traceparent);
    if (linked === undefined || message.traceparent === undefined || seen.has(message.traceparent)) continue;
    seen.add(message.traceparent);
    span.addLink({ context: linked });
    // More would be dropped by the SDK's own limit, and counted as lost.
    if (seen.size === MAX_GATHER_LINKS) return;
  }
}
