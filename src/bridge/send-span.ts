// One CLIENT span for each batch handed to the broker, linked to the messages' own contexts: a batch mixes the traces
// of many actors, so it hangs under none of them.
import { ROOT_CONTEXT, type Span, SpanKind } from '@opentelemetry/api';
import { ATTR, inSpan, MESSAGING_SYSTEM, parseTraceparent, SPAN } from '../contract/telemetry.ts';
import { MAX_GATHER_LINKS } from '../contract/turn.ts';
import type { Parcel } from './call.ts';

export function inSendSpan<T>(
  entity: string,
  parcels: readonly Parcel[],
  send: () => Promise<T>,
): Promise<T> {
  const attributes = {
    [ATTR.messagingSystem]: MESSAGING_SYSTEM,
    [ATTR.messagingDestination]: entity,
    [ATTR.messagingOperationName]: 'send',
    [ATTR.messagingOperationType]: 'send',
    [ATTR.messagingBatchCount]: parcels.length,
  };
  const parent = onlyTraceparent(parcels) ?? ROOT_CONTEXT;
  return inSpan(SPAN.send(entity), { kind: SpanKind.CLIENT, parent, attributes }, (span) => {
    // Without an SDK nothing is recorded, and nothing is parsed for it.
    if (span.isRecording()) link(span, parcels);
    return send();
  });
}

/** Messages of one trace context keep their span in that trace. */
function onlyTraceparent(parcels: readonly Parcel[]): string | undefined {
  const first = parcels[0]?.message.traceparent;
  return parcels.every(({ message }) => message.traceparent === first) ? first : undefined;
}

function link(span: Span, parcels: readonly Parcel[]): void {
  const seen = new Set<string>();
  for (const { message } of parcels) {
    const linked = parseTraceparent(message.traceparent);
    if (linked === undefined || message.traceparent === undefined || seen.has(message.traceparent)) continue;
    seen.add(message.traceparent);
    span.addLink({ context: linked });
    // More would be dropped by the SDK's own limit, and counted as lost.
    if (seen.size === MAX_GATHER_LINKS) return;
  }
}
