// I4: what the state says about a message that has just arrived.
import type { Disposition } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { PROPERTY } from '../../contract/wire.ts';
import type { Inbox } from './session-state.ts';

/** Peers remembered an actor; the one that has been silent longest goes first. */
const MAX_PEERS = 128;
/** Callers' keys remembered: the broker's duplicate detection knows the rest of the window. */
const MAX_KEYS = 256;
/** Far above what can be in hand at once (the receive window and its deferred pieces): a guard, not a policy. */
const MAX_UNSETTLED = 1_024;

const NONE: ReadonlySet<number> = new Set();

export type Judgement =
  /** Applied before; its disposition was committed with its turn (I5). */
  | { readonly kind: 'recorded'; readonly disposition: Disposition }
  /** The same effect of the same peer, or the same caller's key, under another sequence number. */
  | { readonly kind: 'repeat' }
  | { readonly kind: 'new' };

export function judge(inbox: Inbox, message: InboundMessage, settled: ReadonlySet<number> = NONE): Judgement {
  // One whose deferral is confirmed comes back to be applied.
  if (!settled.has(message.sequenceNumber)) {
    const recorded = inbox.unsettled.find(([sequenceNumber]) => sequenceNumber === message.sequenceNumber);
    if (recorded !== undefined) return { kind: 'recorded', disposition: recorded[1] };
  }
  const peer = peerOf(message);
  if (peer !== undefined) {
    const last = inbox.peers.find(([name]) => name === peer.name);
    if (last !== undefined && (peer.turn < last[1] || (peer.turn === last[1] && peer.index <= last[2])))
      return { kind: 'repeat' };
  }
  const key = message.properties[PROPERTY.key];
  if (typeof key === 'string' && inbox.keys.some(([known]) => known === key)) return { kind: 'repeat' };
  return { kind: 'new' };
}

/** The inbox with these messages applied: dispositions recorded, peers and keys moved on. */
export function record(
  inbox: Inbox,
  applied: readonly { readonly message: InboundMessage; readonly disposition: Disposition }[],
  settled: ReadonlySet<number>,
  now: number,
  duplicateWindowMs: number,
): Inbox {
  const peers = new Map(inbox.peers.map(([name, turn, index]) => [name, [turn, index] as const]));
  const keys = inbox.keys.filter(([, at]) => now - at < duplicateWindowMs);
  for (const { message, disposition } of applied) {
    if (disposition.kind === 'defer') continue;
    const peer = peerOf(message);
    if (peer !== undefined) {
      peers.delete(peer.name);
      peers.set(peer.name, [peer.turn, peer.index]);
    }
    const key = message.properties[PROPERTY.key];
    if (typeof key === 'string') keys.push([key, now]);
  }
  return {
    unsettled: [
      ...inbox.unsettled.filter(([sequenceNumber]) => !settled.has(sequenceNumber)),
      ...applied.map(({ message, disposition }) => [message.sequenceNumber, disposition] as const),
    ].slice(-MAX_UNSETTLED),
    peers: [...peers].slice(-MAX_PEERS).map(([name, [turn, index]]) => [name, turn, index] as const),
    keys: keys.slice(-MAX_KEYS),
  };
}

/** What a message is known by beside its number: two of one batch that share it are the same one sent twice. */
export function identitiesOf(message: InboundMessage): string[] {
  const peer = peerOf(message);
  const key = message.properties[PROPERTY.key];
  return [
    ...(peer === undefined ? [] : [`${peer.name}/${peer.turn}/${peer.index}`]),
    ...(typeof key === 'string' ? [`key ${key}`] : []),
  ];
}

/** Only actors number their effects; a timer is an effect on oneself and is judged by its token instead. */
function peerOf(message: InboundMessage): { name: string; turn: number; index: number } | undefined {
  if (message.subject !== 'event' && message.subject !== 'start' && message.subject !== 'stop')
    return undefined;
  const { [PROPERTY.from]: from, [PROPERTY.incarnation]: incarnation } = message.properties;
  const { [PROPERTY.turn]: turn, [PROPERTY.index]: index } = message.properties;
  if (typeof from !== 'string' || typeof incarnation !== 'string') return undefined;
  if (typeof turn !== 'number' || typeof index !== 'number') return undefined;
  return { name: `${from}#${incarnation}`, turn, index };
}
