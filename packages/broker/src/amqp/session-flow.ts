/**
 * Flow: what a peer may be sent, and what it may send. rhea ignores frames that crossed on the way, counts drained credit one
 * by one, and ends a drain only where some credit is left. Here credit is what AMQP says it is (part 2, 2.6.7), whatever
 * numbers the peer uses, and every drain is answered.
 */
import { createRequire } from 'node:module';
import { MAX_UINT } from '../codec/values.ts';
import {
  type FlowFields,
  type GuardedLink,
  type GuardedSession,
  nearest,
  onWire,
} from './guarded-session.ts';

/** Our transfers, and the deliveries of each of our links, are counted from here. */
const FIRST = 0;
const NO_HANDLE = -1;

const frames = createRequire(import.meta.url)('rhea/lib/frames.js') as { flow(fields: object): unknown };

export function guardFlow(session: GuardedSession): void {
  /** Links that are to tell that they have sent all there is. */
  const drained = new Set<GuardedLink>();
  /** The peer wants to hear of the session's windows. */
  let echoes = false;
  const isDrained = (link: GuardedLink) => drained.has(link) && link._draining && unsent(session, link) === 0;
  const onAttach = session.on_attach.bind(session);
  session.on_attach = (frame) => {
    onAttach(frame);
    const link = session.remote.handles[frame.performative.handle];
    if (!link || link.is_receiver()) return;
    link._get_drain = () => isDrained(link) === true && takeCredit(link);
    link.set_drained = () => {
      drained.add(link);
      link.connection._register();
    };
  };
  const onBegin = session.on_begin.bind(session);
  session.on_begin = (frame) => {
    onBegin(frame);
    // rhea would take a peer that counts from elsewhere for one that has used its window up.
    session.incoming.max_transfer_id = session.incoming.next_transfer_id + session.incoming.window;
  };
  const onFlow = session.on_flow.bind(session);
  session.on_flow = (frame) => {
    const { performative } = frame;
    const { handle, echo } = performative;
    const link = session.remote.handles[handle ?? NO_HANDLE];
    // A link that is gone; what is said of the session counts all the same.
    if (!link) performative.handle = null;
    windows(session, performative);
    if (link?.is_receiver()) performative.drain = false;
    else if (link) {
      drained.delete(link);
      credit(session, link, performative);
    }
    onFlow(frame);
    if (!echo) return;
    if (link) link.issue_flow = true;
    else echoes = true;
  };
  // What was handed over before the drain leaves before its end is told.
  const process = session.outgoing.process.bind(session.outgoing);
  session.outgoing.process = () => {
    process();
    for (const link of drained) if (isDrained(link)) link.issue_flow = true;
    // Not before the session's begin.
    if (echoes) session._write_flow();
    echoes = false;
  };
  const removeLink = session.remove_link.bind(session);
  session.remove_link = (link) => {
    drained.delete(link);
    removeLink(link);
  };
  session._write_flow = (link) => {
    const { incoming, outgoing } = session;
    incoming.max_transfer_id = incoming.next_transfer_id + incoming.window;
    const ofLink = link && {
      // It takes the credit, so it comes first.
      ...(link._get_drain() && { drain: true }),
      handle: link.local.handle,
      delivery_count: onWire(link.delivery_count),
      link_credit: link.credit,
    };
    if (link) drained.delete(link);
    session.output(
      frames.flow({
        next_incoming_id: onWire(incoming.next_transfer_id),
        incoming_window: incoming.window,
        next_outgoing_id: onWire(outgoing.next_transfer_id),
        outgoing_window: MAX_UINT,
        ...ofLink,
      }),
    );
  };
}

function windows({ incoming, outgoing }: GuardedSession, performative: FlowFields): void {
  const { next_incoming_id: theirs, next_outgoing_id: ours } = performative;
  // A peer that has not heard of the session's begin does not know where it starts.
  performative.next_incoming_id =
    typeof theirs === 'number' ? nearest(theirs, outgoing.next_transfer_id) : FIRST;
  performative.next_outgoing_id = nearest(ours, incoming.next_transfer_id);
}

/**
 * As rhea's formula wants it: credit counts from the deliveries that the peer has seen, so what has crossed on its way
 * lessens it, and what is on its way out keeps what it was promised.
 */
function credit(session: GuardedSession, link: GuardedLink, performative: FlowFields): void {
  const { delivery_count: seen, link_credit: wanted } = performative;
  const known = typeof seen === 'number' ? nearest(seen, link.delivery_count) : FIRST;
  const left = Math.min(Math.max(known + (wanted ?? 0) - link.delivery_count, 0), MAX_UINT);
  performative.delivery_count = link.delivery_count;
  performative.link_credit = Math.max(left, unsent(session, link) + (link.promised ?? 0));
}

/** Handed to rhea and not yet written; few, as the buffer of a session is. */
function unsent({ outgoing }: GuardedSession, link: GuardedLink): number {
  let count = 0;
  for (let id = outgoing.next_pending_delivery; id < outgoing.next_delivery_id; id += 1)
    if (outgoing.deliveries.by_id(id)?.link === link) count += 1;
  return count;
}

function takeCredit(link: GuardedLink): boolean {
  link.delivery_count += link.credit;
  link.credit = 0;
  return true;
}
