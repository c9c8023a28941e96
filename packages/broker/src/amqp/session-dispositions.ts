/** Dispositions: ranges without end, numbers that start over, and outcomes that rhea does not know or tells of too late. */
import {
  type DispositionFields,
  distance,
  type GuardedSession,
  nearest,
  type Settled,
} from './guarded-session.ts';
import { transactionalState } from './transactional-state.ts';

/** Where a disposition has its outcome. */
const STATE = 4;

export function guardDispositions(session: GuardedSession): void {
  const onDisposition = session.on_disposition.bind(session);
  session.on_disposition = (frame) => {
    const { performative } = frame;
    if (!performative.role) return forget(session, performative);
    // rhea takes a null for an outcome that it does not know.
    if (performative.value[STATE]?.value === null) performative.value[STATE] = undefined;
    const { deliveries, next_pending_delivery: written } = session.outgoing;
    const head = deliveries.get_head();
    if (!head) return;
    const from = nearest(performative.first, written);
    // rhea would forget what is settled before it has left, and look for it ever after.
    const last = Math.min(from + length(performative), written - 1);
    const first = Math.max(from, head.id);
    if (first > last) return;
    performative.first = first;
    performative.last = last;
    const transactional = transactionalState(performative.state);
    if (transactional) {
      for (let id = first; id <= last; id += 1) {
        const delivery = deliveries.by_id(id);
        if (delivery) delivery.transaction = transactional.id;
      }
      performative.state = transactional.outcome;
    }
    onDisposition(frame);
    tellOutcomes(session.outgoing);
  };
}

function length({ first, last }: DispositionFields): number {
  return distance(first, last ?? first);
}

/** The peer no longer cares what becomes of what it has sent. */
function forget({ incoming: { deliveries } }: GuardedSession, performative: DispositionFields): void {
  const head = deliveries.get_head();
  if (!head || !performative.settled) return;
  for (let id = head.id; id < head.id + deliveries.size; id += 1) {
    const delivery = deliveries.by_id(id);
    if (delivery?.wire === undefined) continue;
    if (distance(performative.first, delivery.wire) <= length(performative)) delivery.remote_settled = true;
  }
}

/** rhea tells of them with its next pass: behind a request or a goodbye that came in the same breath. */
function tellOutcomes(outgoing: { updated: Settled[] }): void {
  const { updated } = outgoing;
  outgoing.updated = [];
  for (const delivery of updated) {
    const { link, remote_state: state, remote_settled: settled } = delivery;
    const outcome = state?.constructor.composite_type;
    if (outcome) link.dispatch(outcome, link._context({ delivery }));
    if (settled) link.dispatch('settled', link._context({ delivery }));
  }
}
