/**
 * Links of a session by name and handle, where rhea is narrower than AMQP: a name may be used twice, and a handle is free for
 * the next link as soon as its detach was sent, also where a client sends all of that at once.
 */
import { Violation } from './client-limits.ts';
import type { GuardedLink, GuardedSession, OutgoingDelivery } from './guarded-session.ts';
import { isCoordinator } from './transactional-state.ts';

export function guardLinks(session: GuardedSession, flush: () => void): void {
  const onAttach = session.on_attach.bind(session);
  // A sender and a receiver may have one name, as Proton's have; rhea knows one link a name.
  const named = new Map<string, GuardedLink>();
  const places = new Map<GuardedLink, { readonly name: string; readonly slot: number }>();
  const unopened = new Set<GuardedLink>();
  /** Links that the client has detached, and that have not been answered. */
  const leaving = new Set<GuardedLink>();
  let slots = 0;
  session.links = {};
  session.on_attach = (frame) => {
    const { role, name: given, initial_delivery_count: firstCount } = frame.performative;
    if (isCoordinator(frame.performative.target)) {
      frame.performative.target = null;
      frame.performative.coordinator = true;
    }
    const name = `${role} ${given}`;
    if (named.get(name)?.state.remote_open) {
      throw new Violation('amqp:session:handle-in-use', `The link '${given}' is attached already.`);
    }
    // rhea would answer a little later: until then the name would be that of the old link, and the handle taken.
    for (const old of leaving) old.close();
    if (leaving.size > 0) flush();
    for (const old of leaving) old.remove();
    const { links } = session;
    const created: Record<string, GuardedLink> = Object.create(null);
    session.links = created;
    try {
      onAttach(frame);
    } finally {
      session.links = links;
    }
    for (const link of Object.values(created)) {
      slots += 1;
      links[slots] = link;
      named.set(name, link);
      places.set(link, { name, slot: slots });
      unopened.add(link);
      // A sender counts from where it likes; rhea would count its credit from 0.
      if (link.is_receiver()) link.delivery_count = firstCount ?? 0;
    }
  };
  const onDetach = session.on_detach.bind(session);
  session.on_detach = (frame) => {
    const link = session.remote.handles[frame.performative.handle];
    if (link) leaving.add(link);
    onDetach(frame);
  };
  // With the broker's goodbye its handle is free, and what has not left does not leave under it.
  const output = session.output.bind(session);
  session.output = (sent, payload) => {
    output(sent, payload);
    const { handle } = sent as { handle?: number };
    const link = handle === undefined ? undefined : session.local.handles[handle];
    if (!link || sent !== link.local.detach) return;
    delete session.local.handles[link.local.handle];
    dropUnsent(session.outgoing, link);
  };
  // rhea writes transfers before the attach of their link, if a peer gives credit in the same breath as its own attach.
  const process = session.outgoing.process.bind(session.outgoing);
  session.outgoing.process = () => {
    for (const link of unopened) {
      if (!link.state.need_open()) continue;
      session.output(link.local.attach);
      unopened.delete(link);
    }
    process();
  };
  // rhea forgets the peer's handle, and by name it would remove a successor.
  session.remove_link = (link) => {
    const place = places.get(link);
    places.delete(link);
    unopened.delete(link);
    leaving.delete(link);
    if (place) delete session.links[place.slot];
    if (place && named.get(place.name) === link) named.delete(place.name);
    const { handles } = session.remote;
    const handle = link.remote.attach?.handle;
    if (handle !== undefined && handles[handle] === link) delete handles[handle];
    if (session.local.handles[link.local.handle] === link) delete session.local.handles[link.local.handle];
  };
}

// Deliveries that were handed to rhea for a link that is gone: a peer without room has not got them, and under the handle of
// the next link they would be taken for that one's.

/** Below every number, so that all who count what has left count it as gone. */
const NEVER = -1;

function dropUnsent(outgoing: GuardedSession['outgoing'], link: GuardedLink): void {
  const { deliveries } = outgoing;
  const begun = deliveries.by_id(outgoing.next_pending_delivery);
  if (begun?.link === link && begun.next_to_send > 0) {
    // Its number is known to the peer; the rest of it is given up with the link.
    begun.settled = true;
    begun.remote_settled = true;
    outgoing.next_pending_delivery += 1;
  }
  const pending: OutgoingDelivery[] = [];
  for (let id = outgoing.next_pending_delivery; id < outgoing.next_delivery_id; id += 1) {
    const delivery = deliveries.by_id(id);
    if (delivery) pending.push(delivery);
  }
  if (!pending.some((delivery) => delivery.link === link)) return;
  // The others move up: peers take a gap between numbers for a loss.
  for (let taken = 0; taken < pending.length; taken += 1) {
    deliveries.tail = (deliveries.tail + deliveries.capacity - 1) % deliveries.capacity;
    deliveries.entries[deliveries.tail] = undefined;
    deliveries.size -= 1;
  }
  outgoing.next_delivery_id = outgoing.next_pending_delivery;
  for (const delivery of pending) {
    delivery.id = delivery.link === link ? NEVER : outgoing.next_delivery_id;
    if (delivery.id === NEVER) continue;
    outgoing.next_delivery_id += 1;
    deliveries.push(delivery);
  }
}
