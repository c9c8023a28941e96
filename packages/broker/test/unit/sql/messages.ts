import rhea from 'rhea';
import { Envelope } from '../../../src/codec/envelope.ts';
import { EnvelopeView } from '../../../src/sql/message-view.ts';

export const NOW = Date.UTC(2026, 0, 1);

/** `com.microsoft:timespan`, as .NET's AMQP library writes a TimeSpan. */
export function timeSpan(ms: number): unknown {
  const ticks = Buffer.alloc(8);
  ticks.writeBigInt64BE(BigInt(ms) * 10_000n);
  const { types } = rhea;
  return types.wrap_described(types.wrap_long(ticks), 'com.microsoft:timespan');
}

/** `com.microsoft:datetime-offset`: ticks since year 1. */
export function dateTimeOffset(ms: number): unknown {
  const ticks = Buffer.alloc(8);
  ticks.writeBigInt64BE((BigInt(ms) + 62_135_596_800_000n) * 10_000n);
  const { types } = rhea;
  return types.wrap_described(types.wrap_long(ticks), 'com.microsoft:datetime-offset');
}

/** A message as it comes over the wire; rhea's encoding, not the broker's. */
export function view(
  application: Record<string, unknown> = {},
  properties: Record<string, unknown> = {},
): EnvelopeView {
  const bytes = rhea.message.encode({
    message_id: 'm1',
    ...properties,
    application_properties: application,
    body: 'body',
  });
  return new EnvelopeView(new Envelope(Buffer.from(bytes)), {
    now: NOW,
    sequenceNumber: 7,
    ttlMs: Number.POSITIVE_INFINITY,
  });
}

export function decoded(bytes: Buffer) {
  return rhea.message.decode(bytes);
}
