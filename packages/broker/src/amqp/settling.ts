/** Settlements on their way to the queue, past the faults that may meet them. */
import type { Act } from '../control/match.ts';
import type { Ack, Outcome } from '../core/outcome.ts';
import type { Queue } from '../core/queue.ts';
import type { Lock } from '../core/records.ts';
import type { ConnectedClient } from './connected-client.ts';

/** What a fault makes of a completion: acknowledged, and the message comes again. */
const COMES_AGAIN: Outcome = { kind: 'abandon', changes: new Map() };

export function settle(queue: Queue, lock: Lock, outcome: Outcome, client: ConnectedClient, ack: Ack): void {
  const { faults } = queue.core;
  if (!faults.armed) return queue.settle(lock, outcome, ack);
  const act = lockAct('settle', queue, lock, client);
  const work = (answer: Ack) => {
    const again = outcome.kind === 'complete' && faults.duplicates(act, 'settlement');
    queue.settle(lock, again ? COMES_AGAIN : outcome, answer);
  };
  faults.through(act, work, ack);
}

/** A locked message as faults see it; in a session the lock is the session's. */
export function lockAct(
  operation: Act['operation'],
  queue: Queue,
  { message }: Lock,
  client: ConnectedClient,
): Act {
  const session = message.session?.id;
  return {
    operation,
    entity: queue.path,
    session,
    messageId: message.place === 'gone' ? undefined : queue.core.envelopeOf(message).messageId,
    lock: session === undefined ? { sequenceNumber: message.seq } : { session },
    client,
  };
}
