// I4: judges a message that has just arrived by the state, and says what a new holder concludes from the first messages that
// come.
import type { OnBehalf } from '../../../contract/control.ts';
import type { Disposition } from '../../../contract/ports.ts';
import type { TurnInput } from '../../../contract/turn.ts';
import { type InboundMessage, PROPERTY } from '../../../contract/wire.ts';
import type { GivenBudget } from '../../protocol/budgets.ts';
import type { Told } from '../../protocol/usage.ts';
import { BOUNDS, type Inbox, type SessionState } from '../state/session-state.ts';
import { keyName } from '../state/written-state.ts';
import { isRemembered, isRepeat, NO_PEERS, type OlderPeers, peerOf, type Remembered } from './peers.ts';

// A message that the actor's machine is to take: what sorting gives, and what every later stage is about.

export interface ReceivedInput {
  readonly message: InboundMessage;
  readonly input: TurnInput;
  /** The message was in hand when a host died: it runs alone, its attempts counted (I7). */
  readonly suspect?: boolean;
  /** For a start by a parent: the folder of its family. */
  readonly family?: string;
  /** For a start: on whose behalf. */
  readonly behalf?: OnBehalf;
  /** For a start: what the run may use. */
  readonly budget?: GivenBudget;
  /** For a start by a parent: marks of those who wait for the actor. */
  readonly lineage?: string;
}

/** What was used, by its message: for the books, and no input of the machine. */
export interface Noted {
  readonly message: InboundMessage;
  readonly told: Told;
}

export function messagesOf(received: readonly ReceivedInput[]): InboundMessage[] {
  return received.map(({ message }) => message);
}

export function canStart(input: TurnInput): boolean {
  return input.kind === 'start' || (input.kind === 'event' && input.start !== undefined);
}

const NONE: ReadonlySet<number> = new Set();

export type Judgement =
  /** Applied before; its disposition was committed with its turn (I5). */
  | { readonly kind: 'recorded'; readonly disposition: Disposition }
  /** The same effect of the same peer, or the same caller's key, under another sequence number. */
  | { readonly kind: 'repeat' }
  | { readonly kind: 'new' };

export function judge(
  inbox: Inbox,
  message: InboundMessage,
  settled: ReadonlySet<number> = NONE,
  olderPeers: OlderPeers = NO_PEERS,
): Judgement {
  // A message whose deferral is confirmed comes back to be applied.
  if (!settled.has(message.sequenceNumber)) {
    const recorded = inbox.unsettled.find(([sequenceNumber]) => sequenceNumber === message.sequenceNumber);
    if (recorded !== undefined) return { kind: 'recorded', disposition: recorded[1] };
  }
  const peer = peerOf(message);
  if (peer !== undefined) {
    const last = inbox.peers.find(([name]) => name === peer.name) ?? olderPeers.get(peer.name);
    if (last !== undefined && isRepeat(peer, last)) return { kind: 'repeat' };
  }
  const key = keyOf(message);
  if (key !== undefined && inbox.keys.some(([known]) => known === key)) return { kind: 'repeat' };
  return { kind: 'new' };
}

/** The inbox with these messages applied: dispositions recorded, peers and keys moved on. */
export function record(
  inbox: Inbox,
  applied: readonly { readonly message: InboundMessage; readonly disposition: Disposition }[],
  settled: ReadonlySet<number>,
  now: number,
  memory: Remembered,
): Inbox {
  const peers = new Map(
    inbox.peers.flatMap((peer) => (isRemembered(peer[3], now, memory) ? [[peer[0], peer] as const] : [])),
  );
  const keys = inbox.keys.filter(([, at]) => now - at < memory.duplicateWindowMs);
  for (const { message, disposition } of applied) {
    if (disposition.kind === 'defer') continue;
    const peer = peerOf(message);
    if (peer !== undefined) {
      peers.delete(peer.name);
      peers.set(peer.name, [peer.name, peer.turn, peer.index, now]);
    }
    const key = keyOf(message);
    if (key !== undefined) keys.push([key, now]);
  }
  return {
    ...inbox,
    unsettled: [
      ...inbox.unsettled.filter(([sequenceNumber]) => !settled.has(sequenceNumber)),
      ...applied.map(({ message, disposition }) => [message.sequenceNumber, disposition] as const),
    ].slice(-BOUNDS.unsettled),
    peers: [...peers.values()],
    keys: keys.slice(-BOUNDS.keys),
  };
}

/** What a message is known by beside its number: two of one batch that share it are the same one sent twice. */
export function identitiesOf(message: InboundMessage): string[] {
  const peer = peerOf(message);
  const key = keyOf(message);
  return [
    ...(peer === undefined ? [] : [`${peer.name}/${peer.turn}/${peer.index}`]),
    ...(key === undefined ? [] : [`key ${key}`]),
  ];
}

function keyOf({ properties }: InboundMessage): string | undefined {
  const key = properties[PROPERTY.key];
  return typeof key === 'string' ? keyName(key) : undefined;
}

// What a new holder concludes from the first messages that come (I2, I4). A session gives its active messages in the order
// of their numbers, and a turn's anchor is settled after everything else (I5).

/** An outbox is known to have left when none of its inputs came and something behind all of them did. */
export function mayBeUnsent(state: SessionState, first: readonly InboundMessage[]): boolean {
  if (state.outbox.length === 0) return false;
  // The outbox is of a migration: no message tells whether it has left.
  if (state.movedAt !== undefined && state.movedAt === state.core?.turn) return true;
  if (first.some((message) => judge(state.inbox, message).kind === 'recorded')) return true;
  const last = Math.max(...state.inbox.unsettled.map(([number]) => number));
  return !first.some(({ sequenceNumber }) => sequenceNumber > last);
}

/** How often a holder died before the outbox had left: its inputs were delivered so often. */
export function unfinished({ inbox }: SessionState, first: readonly InboundMessage[]): number {
  const recorded = new Set(inbox.unsettled.map(([number]) => number));
  const counts = first
    .filter(({ sequenceNumber }) => recorded.has(sequenceNumber))
    .map(({ deliveryCount }) => deliveryCount);
  return Math.max(0, ...counts);
}

/** Numbers in the state that are lower than that of the first message: an earlier holder has settled those messages. */
export function settledBefore(state: SessionState, first: readonly InboundMessage[]): number[] {
  const head = Math.min(...first.map(({ sequenceNumber }) => sequenceNumber));
  const deferred = new Set([...Object.values(state.deferred), ...(state.quarantine?.parked ?? [])]);
  const recorded = state.inbox.unsettled.flatMap(([number, { kind }]) =>
    // A deferred message is not among the active ones: only its deferral is proved, not its completion.
    deferred.has(number) && kind !== 'defer' ? [] : [number],
  );
  const attempted = Object.keys(state.attempts)
    .map(Number)
    .filter((number) => !deferred.has(number));
  return [...recorded, ...attempted].filter((number) => number < head);
}

/** The numbers that the state names: only their settlement is worth remembering. */
export function rememberedNumbers(state: SessionState): Set<number> {
  return new Set([
    ...state.inbox.unsettled.map(([number]) => number),
    ...Object.values(state.deferred),
    ...(state.quarantine?.parked ?? []),
    ...Object.keys(state.attempts).map(Number),
  ]);
}
