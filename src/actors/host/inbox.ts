// I4: what the state says about a message that has just arrived.
import type { Disposition } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { PROPERTY } from '../../contract/wire.ts';
import type { OlderPeers, Remembered } from './peers.ts';
import { isRemembered, isRepeat, NO_PEERS, peerOf } from './peers.ts';
import type { Inbox } from './session-state.ts';
import { BOUNDS } from './session-state.ts';
import { keyName } from './written-state.ts';

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
  // One whose deferral is confirmed comes back to be applied.
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
