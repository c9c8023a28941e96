// What tests and the bench do to a broker: each attack has two sizes, goes on until it is stopped, and needs no broker code.
import { frame } from '../amqp/encode.ts';
import * as amqp from '../amqp/performatives.ts';
import { RawPeer, type Target } from '../amqp/raw-peer.ts';

/** A queue without sessions, for attacks that need one. */
export const ATTACKED_QUEUE = 'attacked';
/** The same with sessions. */
export const ATTACKED_SESSIONS = 'attacked-sessions';

export interface Attack {
  readonly name: string;
  /** How many connections, links or whatever there are many of: in tests, and in the bench. */
  readonly sizes: readonly [small: number, large: number];
  /** Resolves when it is in full swing. */
  readonly start: (target: Target, size: number) => Promise<Stop>;
}

export type Stop = () => void;

/** The same again and again, so many at a time, each until it has been cut or has had enough. */
export function again(lanes: number, once: (lane: number) => Promise<void>): Stop {
  const stop = new AbortController();
  const run = async (lane: number) => {
    while (!stop.signal.aborted) {
      await once(lane);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  for (let lane = 0; lane < lanes; lane += 1) void run(lane).catch(() => {});
  return () => stop.abort();
}

/** So many peers, made a few at a time and kept until the end; those that the broker cuts are made again. */
export async function keep(size: number, make: (index: number) => Promise<RawPeer>): Promise<Stop> {
  const peers = new Set<RawPeer>();
  let stopped = false;
  const one = async (index: number): Promise<void> => {
    if (stopped) return;
    try {
      const peer = await make(index);
      peers.add(peer);
      if (stopped) peer.hangUp();
      void peer.closed.then(() => {
        peers.delete(peer);
        if (!stopped) setTimeout(() => void one(index), REMAKE_MS);
      });
    } catch {
      if (!stopped) setTimeout(() => void one(index), REMAKE_MS);
    }
  };
  for (let from = 0; from < size; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, size - from);
    await Promise.all(Array.from({ length: count }, (_, index) => one(from + index)));
  }
  return () => {
    stopped = true;
    for (const peer of peers) peer.hangUp();
  };
}

const AT_ONCE = 20;
const REMAKE_MS = 100;

/** A peer with a session on channel 1. */
export async function inSession(target: Target, openFields: Record<number, Buffer> = {}): Promise<RawPeer> {
  const peer = await RawPeer.opened(target, openFields);
  await peer.begins(1);
  return peer;
}

/** The same with a link to the queue with handle 0. */
export async function linked(
  target: Target,
  role: boolean,
  options: Partial<amqp.AttachOptions> = {},
): Promise<RawPeer> {
  const peer = await inSession(target);
  peer.say(1, amqp.attach({ address: ATTACKED_QUEUE, role, ...options }));
  await peer.hears(amqp.ATTACH);
  if (role === amqp.SENDER) await peer.hears(amqp.FLOW);
  return peer;
}

/** Puts so many messages there, settled, and waits until they have been taken. */
export async function fill(target: Target, count: number, bytes: number): Promise<void> {
  const peer = await linked(target, amqp.SENDER);
  for (let id = 0; id < count; id += 1) {
    sendMessage(peer, id, amqp.dataMessage(bytes));
    if (id % FILL_WINDOW === FILL_WINDOW - 1 || id === count - 1) await settled(peer, id);
  }
  peer.hangUp();
}

const FILL_WINDOW = 50;
const FRAGMENT = 60_000;

/** In as many frames as it takes. */
export function sendMessage(peer: RawPeer, id: number, message: Buffer, channel = 1): void {
  for (let at = 0; at < message.length; at += FRAGMENT) {
    const more = at + FRAGMENT < message.length;
    peer.send(frame(channel, amqp.transfer({ id, more }), message.subarray(at, at + FRAGMENT)));
  }
}

/** Until a disposition covers the delivery. */
async function settled(peer: RawPeer, id: number): Promise<void> {
  for (;;) {
    const { bytes } = await peer.hears(amqp.DISPOSITION);
    if (lastOf(bytes) >= id) return;
  }
}

/** rhea writes first and last as small or as full numbers. */
function lastOf(bytes: Buffer): number {
  const numbers: number[] = [];
  // Frame, descriptor, list with size and count, role.
  for (let at = 8 + 3 + 9 + 1; numbers.length < 2; ) {
    const code = bytes[at];
    if (code === 0x43) numbers.push(0);
    else if (code === 0x52) numbers.push(bytes[at + 1] ?? 0);
    else numbers.push(bytes.readUInt32BE(at + 1));
    at += code === 0x43 ? 1 : code === 0x52 ? 2 : 5;
  }
  return numbers[1] ?? 0;
}
