// Messages of an actor to its own session, for what the host does and its machine never sees: to go on with what is unsent, and to look
// at a deadline that began as work left. Each has an id of its own in the life of the actor (I3).
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import { PROPERTY, WIRE_FORMAT, type WireMessage } from '../../../contract/wire.ts';
import { hashId, inLife } from '../../protocol/ids.ts';

/** `notBefore` in epoch ms; at once without. */
export function ownTimer(
  actor: ActorAddress,
  incarnation: string,
  token: string,
  notBefore?: number,
): WireMessage {
  const entity = actorQueue(actor.type);
  return {
    entity,
    sessionId: actor.id,
    subject: 'timer',
    messageId: hashId(entity, formatAddress(actor), incarnation, token),
    ...(notBefore === undefined ? {} : { notBefore }),
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: { kind: 'timer', token: inLife(token, incarnation) },
  };
}

const MORE = 'more#';

/** `place` is never the same twice in a life. */
export function moreToken(place: string): string {
  return `${MORE}${place}`;
}

export function isMore(subject: string, body: unknown): boolean {
  const { token } = (body ?? {}) as { readonly token?: unknown };
  return subject === 'timer' && typeof token === 'string' && token.startsWith(MORE);
}
