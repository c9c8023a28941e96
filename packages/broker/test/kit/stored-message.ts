// A message of the broker's core that is a sequence number and nothing else.
import { type Place, StoredMessage } from '../../src/core/records.ts';

export function storedMessage(seq: number, place: Place = 'pending'): StoredMessage {
  const made = new StoredMessage({
    entity: 1,
    seq,
    shared: 0,
    size: 0,
    enqueuedAt: 0,
    expiresAt: 0,
    deliveryCount: 0,
    state: 0,
    session: undefined,
    origin: 0,
    source: undefined,
    hops: 0,
    activated: false,
  });
  made.place = place;
  return made;
}
