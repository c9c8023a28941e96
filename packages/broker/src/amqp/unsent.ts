/**
 * Deliveries that were handed to rhea for a link that is gone: a peer without room has not got them, and under the handle of
 * the next link they would be taken for that one's.
 */
import type { GuardedLink, GuardedSession, OutgoingDelivery } from './guarded-session.ts';

/** Below every number, so that all who count what has left count it as gone. */
const NEVER = -1;

export function dropUnsent(outgoing: GuardedSession['outgoing'], link: GuardedLink): void {
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
