import rhea from 'rhea';
import { Envelope } from '../../../../src/broker/codec/envelope.ts';
import { EnvelopeView } from '../../../../src/broker/sql/message-view.ts';

const NOW = Date.UTC(2026, 0, 1);

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
  return new EnvelopeView(new Envelope(Buffer.from(bytes)), NOW);
}

export function decoded(bytes: Buffer) {
  return rhea.message.decode(bytes);
}
