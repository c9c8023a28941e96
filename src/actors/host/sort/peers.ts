// The last effect of every peer incarnation that an actor has heard (I4), kept for the retention time, however many there
// are. Recent ones lie in the session state. When their place is full they move to the others, in the payload store: a hub of
// ten thousand peers writes that list once in a few hundred messages, and never into its session.
import type { PayloadRef, Payloads } from '../../../contract/payload.ts';
import { type InboundMessage, PROPERTY } from '../../../contract/wire.ts';
import { hashId } from '../../protocol/ids.ts';

/** Peer incarnation, hashed; turn and index of its last effect; when that came (epoch ms). */
export type Peer = readonly [peer: string, turn: number, index: number, at: number];

/** Those that lie in the payload store, by their hash. */
export type OlderPeers = ReadonlyMap<string, Peer>;

export const NO_PEERS: OlderPeers = new Map();

export interface Remembered {
  readonly duplicateWindowMs: number;
  readonly retentionMs: number;
}

/** An effect of another actor: `name` is what its incarnation is remembered by. */
interface PeerEffect {
  readonly name: string;
  readonly turn: number;
  readonly index: number;
}

/** A message is asked for its peer where it comes in and where it is recorded: its hash is made once. */
const effects = new WeakMap<InboundMessage, PeerEffect | null>();

/** Only actors number their effects; a timer is an effect on oneself and is judged by its token instead. */
export function peerOf(message: InboundMessage): PeerEffect | undefined {
  let effect = effects.get(message);
  if (effect === undefined) {
    effect = readPeer(message) ?? null;
    effects.set(message, effect);
  }
  return effect ?? undefined;
}

function readPeer(message: InboundMessage): PeerEffect | undefined {
  if (message.subject !== 'event' && message.subject !== 'start' && message.subject !== 'stop')
    return undefined;
  const { [PROPERTY.from]: from, [PROPERTY.incarnation]: incarnation } = message.properties;
  const { [PROPERTY.turn]: turn, [PROPERTY.index]: index } = message.properties;
  if (typeof from !== 'string' || typeof incarnation !== 'string') return undefined;
  if (typeof turn !== 'number' || typeof index !== 'number') return undefined;
  return { name: peerName(`${from}#${incarnation}`), turn, index };
}

export function peerName(incarnation: string): string {
  return shortHash('peer', incarnation);
}

/** A hash of 132 bits: no peer is taken for another, and a state that holds hundreds stays small. */
export function shortHash(kind: string, text: string): string {
  return hashId(kind, text).slice(0, 22);
}

export function isRepeat({ turn, index }: PeerEffect, [, lastTurn, lastIndex]: Peer): boolean {
  return turn < lastTurn || (turn === lastTurn && index <= lastIndex);
}

/** For at least as long as the broker knows their messages. */
export function isRemembered(
  at: number,
  now: number,
  { duplicateWindowMs, retentionMs }: Remembered,
): boolean {
  return now - at < Math.max(duplicateWindowMs, retentionMs);
}

/** The others with the recent ones put to them; a peer that was silent for the retention time is forgotten. */
export function mergePeers(
  older: OlderPeers,
  recent: readonly Peer[],
  now: number,
  memory: Remembered,
): OlderPeers {
  const merged = new Map<string, Peer>();
  for (const peer of older.values()) if (isRemembered(peer[3], now, memory)) merged.set(peer[0], peer);
  for (const peer of recent) merged.set(peer[0], peer);
  return merged;
}

export async function openPeers(ref: PayloadRef | undefined, payloads: Payloads): Promise<OlderPeers> {
  if (ref === undefined) return NO_PEERS;
  const peers = (await payloads.get(ref)) as unknown as readonly Peer[];
  return new Map(peers.map((peer) => [peer[0], peer]));
}

export function putPeers(
  peers: OlderPeers,
  payloads: Payloads,
  folder: string,
  name: string,
): Promise<PayloadRef> {
  return payloads.put(folder, name, [...peers.values()]);
}
