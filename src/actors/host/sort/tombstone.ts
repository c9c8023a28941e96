// An actor that has ended lies as a tombstone for the retention time: who asks is told of its end, and a start finds it there
// (I13). A timer ends the tombstone; the incarnation in its token tells it from that of an earlier life.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import type { TurnInput } from '../../../contract/turn.ts';
import { PROPERTY, WIRE_FORMAT } from '../../../contract/wire.ts';
import { hashId } from '../../protocol/ids.ts';
import type { OutboxEntry, SessionState } from '../state/session-state.ts';

const EXPIRE = 'expire#';

/** `endsAt` in epoch ms. */
export function expiry(actor: ActorAddress, incarnation: string, endsAt: number): OutboxEntry {
  const entity = actorQueue(actor.type);
  const token = `${EXPIRE}${incarnation}`;
  return {
    kind: 'message',
    message: {
      entity,
      sessionId: actor.id,
      subject: 'timer',
      messageId: hashId(entity, formatAddress(actor), token),
      notBefore: endsAt,
      properties: { [PROPERTY.format]: WIRE_FORMAT },
      body: { kind: 'timer', token },
    },
  };
}

export function isExpiry(input: TurnInput): boolean {
  return input.kind === 'timer' && input.token.startsWith(EXPIRE);
}

/** True when this timer ends the tombstone that lies here now. */
export function endsTombstone(state: SessionState, input: TurnInput): boolean {
  return (
    input.kind === 'timer' &&
    state.core !== null &&
    state.core.status !== 'active' &&
    input.token === `${EXPIRE}${state.core.incarnation}`
  );
}
