// Messages to the actors that keep what all processes share. The first one makes its actor. Senders repeat them, so each carries
// what its reducer knows a repeat by.
import { randomUUID } from 'node:crypto';
import { type ControlKind, controlAddress } from '../../contract/control.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import { CONTROL } from '../../contract/entities.ts';
import type { EventJson } from '../../contract/json.ts';
import { PROPERTY, WIRE_FORMAT, type WireMessage } from '../../contract/wire.ts';

export interface ControlTarget {
  readonly kind: ControlKind;
  readonly name: string;
}

export function toControl({ kind, name }: ControlTarget, event: EventJson, messageId: string): WireMessage {
  return {
    entity: CONTROL,
    sessionId: controlAddress(kind, name).id,
    subject: 'event',
    messageId,
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: { kind: 'event', event, start: { input: null } },
  };
}

/** Asks one how things are: answered as a query is, without a commit. */
export function toLook(
  { kind, name }: ControlTarget,
  what: Readonly<Record<string, unknown>>,
  asker: ReplyAddress,
  patienceMs: number,
): WireMessage {
  return {
    entity: CONTROL,
    sessionId: controlAddress(kind, name).id,
    subject: 'query',
    messageId: randomUUID(),
    properties: {
      [PROPERTY.format]: WIRE_FORMAT,
      [PROPERTY.look]: JSON.stringify(what),
      [PROPERTY.patience]: patienceMs,
    },
    body: { kind: 'query', asker: { ...asker } },
  };
}
