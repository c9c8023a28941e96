// Sends the messages of an outbox: each is sealed, lives no longer than what it asks for, and begins not too late after its
// commit.
import type { ActorAddress } from '../../../contract/address.ts';
import type { OnBehalf } from '../../../contract/control.ts';
import { tooLate } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import type { Payloads, ResultStore } from '../../../contract/payload.ts';
import type { Bridge, Clock, HeldSession, Logger } from '../../../contract/ports.ts';
import { PROPERTY, type WireMessage } from '../../../contract/wire.ts';
import type { Cancellations } from '../../protocol/cancellations.ts';
import { sealAll } from '../../protocol/seals.ts';
import type { ActionEntry, Handover } from '../actions/custom-actions.ts';
import type { UnsentEntry } from '../state/session-state.ts';
import type { ActorSpan } from '../trace.ts';

export interface ItemsMemo {
  ref?: string;
  items?: readonly Json[];
}

export interface OutboxContext {
  readonly actor: ActorAddress;
  readonly incarnation: string;
  /** The span of the actor. */
  readonly span: ActorSpan;
  readonly bridge: Pick<Bridge, 'publish' | 'cancelScheduled'>;
  readonly session: Pick<HeldSession, 'peekScheduled'>;
  readonly payloads: Payloads;
  readonly results: ResultStore;
  readonly cancellations: Cancellations;
  readonly behalf?: OnBehalf;
  /** Marks of those who wait for this actor. */
  readonly lineage?: string;
  /** Folder of this life of the actor in the payload store; `family` is the folder of what its tasks store. */
  readonly life: string;
  readonly family: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a send may still begin: not too long after the commit that it belongs to (I2). Asked before each. */
  readonly mayBegin: () => boolean;
  /** Fan-outs that slices are of. */
  readonly unsent: readonly UnsentEntry[];
  /** The items that were read last, for the slices of one fan-out. */
  readonly memo: ItemsMemo;
  /** Begins named actions, in order; gives the copies of those that are left to their queue. */
  readonly beginActions: (entries: readonly ActionEntry[]) => Promise<readonly Handover[]>;
}

/** I2: what is sent later might be a repeat that nobody recognises, of a turn that another host has built on since. */
export async function send(
  messages: readonly WireMessage[],
  { bridge, payloads, mayBegin }: OutboxContext,
): ReturnType<Bridge['publish']> {
  const sealed = await sealAll(messages, payloads);
  if (!mayBegin()) throw tooLate();
  return bridge.publish(sealed, { mayBegin });
}

/** What is left of its deadline is a task's time to live (I10); one that has none left is not sent. */
export function withTimeToLive(message: WireMessage, now: number): WireMessage | undefined {
  const deadline = message.properties?.[PROPERTY.deadline];
  if (typeof deadline !== 'number') return message;
  const left = Math.floor(deadline - now);
  return left < 1 ? undefined : { ...message, timeToLiveMs: left };
}
