// One CLIENT span for each batch handed to the broker, linked to the messages' own contexts. A batch of one trace hangs
// where it was published; one that mixes the traces of many actors hangs under none of them.
import { ROOT_CONTEXT, type Span, type SpanContext, SpanKind } from '@opentelemetry/api';
import { MAX_GATHER_LINKS } from '../../contract/turn.ts';
import {
  ATTR,
  inSpan,
  isTracing,
  MESSAGING_SYSTEM,
  parseTraceparent,
  SPAN,
} from '../../observability/telemetry.ts';
import type { PendingMessage } from './publish-call.ts';

export function inSendSpan<T>(
  entity: string,
  pendingMessages: readonly PendingMessage[],
  send: () => Promise<T>,
): Promise<T> {
  // Answers to clients carry no context, and are worth no trace of their own.
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
