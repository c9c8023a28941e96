/** Transfers of a peer: within their credit and size, whatever numbers it gives its deliveries. */
import type { Holding } from '../transport/holdings.ts';
import { Violation } from './client-limits.ts';
import { MAX_FRAME_BYTES } from './frame-reader.ts';
import {
  type Frame,
  type GuardedLink,
  type GuardedSession,
  onWire,
  type TransferFields,
} from './guarded-session.ts';

/** rhea decodes messages of format 0 and hands over others as they are, so format 0 arrives under this number. */
const PLAIN_FORMAT = 0x7fff_ffff;
/** What a link takes that says nothing of it. */
const DEFAULT_MESSAGE_BYTES = 1024 * 1024;
/** A fragment costs this much beside its bytes. */
const FRAGMENT_BYTES = 128;
/** The last number that fits on the wire. */
const LAST = 0xffff_ffff;
const NO_BYTES = Buffer.alloc(0);

export function guardTransfers(session: GuardedSession, holding: Holding): void {
  const onTransfer = session.on_transfer.bind(session);
  const held = new Map<GuardedLink, number>();
  const release = (link: GuardedLink) => {
    holding.add('messages', -(held.get(link) ?? 0));
    held.delete(link);
  };
  const drop = (link: GuardedLink) => {
    if (link._incomplete) {
      link._incomplete.settled = true;
      link._incomplete.frames = [];
      link._incomplete = undefined;
    }
    release(link);
  };
  const { deliveries } = session.incoming;
  const push = deliveries.push.bind(deliveries);
  let wire = 0;
  deliveries.push = (delivery) => {
    delivery.wire = wire;
    push(delivery);
  };
  // Deliveries have numbers of our own: those of the peer are its names for them, which may begin anywhere, leave some
  // out and, where it sends from several threads (Python), come twice.
  session.incoming.next_delivery_id = 0;
  const renumber = (link: GuardedLink, performative: TransferFields) => {
    const { delivery_id: id, delivery_tag: tag } = performative;
    if (!link._incomplete) {
      if (typeof id !== 'number') {
        throw new Violation('amqp:invalid-field', 'The first transfer of a delivery must say its id.');
      }
      wire = id;
    } else if (tag && link._incomplete.tag && !tag.equals(link._incomplete.tag)) {
      throw new Violation('amqp:not-allowed', 'A delivery begins before the last one of its link has ended.');
    }
    performative.delivery_id = link._incomplete?.id ?? session.incoming.next_delivery_id;
  };
  session.on_transfer = (frame) => {
    const link = linkOf(session, frame);
    const { performative } = frame;
    frame.payload ??= NO_BYTES;
    if (!performative.message_format) performative.message_format = PLAIN_FORMAT;
    if (performative.aborted || !link.state.local_open) {
      drop(link);
      return skip(session);
    }
    renumber(link, performative);
    if (!link._incomplete && link.credit <= 0) {
      link.close({
        condition: 'amqp:link:transfer-limit-exceeded',
        description: 'A message was sent without credit.',
      });
      return skip(session);
    }
    if (!performative.more && !link._incomplete) return onTransfer(frame);
    const bytes = (held.get(link) ?? 0) + frame.payload.length + FRAGMENT_BYTES;
    if (bytes > largestOf(link)) {
      drop(link);
      link.close({
        condition: 'amqp:link:message-size-exceeded',
        description: 'The message is larger than the link takes.',
      });
      return skip(session);
    }
    holding.add('messages', frame.payload.length + FRAGMENT_BYTES);
    held.set(link, bytes);
    if (!performative.more) release(link);
    frame.payload = alone(frame.payload);
    onTransfer(frame);
    if (link._incomplete?.tag) link._incomplete.tag = alone(link._incomplete.tag);
  };
  // Those of our own begin at 0 and start over as well.
  const output = session.output.bind(session);
  session.output = (sent, payload) => {
    const named = sent as { delivery_id?: number };
    if (payload && (named.delivery_id ?? 0) > LAST) named.delivery_id = onWire(named.delivery_id ?? 0);
    output(sent, payload);
  };
  const onEnd = session.on_end.bind(session);
  session.on_end = (frame) => {
    for (const link of held.keys()) drop(link);
    onEnd(frame);
  };
  const removeLink = session.remove_link.bind(session);
  session.remove_link = (link) => {
    drop(link);
    removeLink(link);
  };
}

/** Copies the bytes, so that the rest of their chunk can be freed. */
function alone(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}

function linkOf(session: GuardedSession, frame: Frame<TransferFields>): GuardedLink {
  const link = session.remote.handles[frame.performative.handle];
  if (!link?.is_receiver()) throw new Violation('amqp:not-allowed', 'A transfer on a link that receives.');
  return link;
}

/** The broker refuses somewhat larger messages one by one; only what is far beyond ends the link. */
function largestOf(link: GuardedLink): number {
  return 2 * (link.local.attach.max_message_size ?? DEFAULT_MESSAGE_BYTES) + MAX_FRAME_BYTES;
}

/** The transfer is counted and nothing else. */
function skip({ incoming }: GuardedSession): void {
  incoming.next_transfer_id += 1;
}
