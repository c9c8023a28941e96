/** What becomes of a locked message when its receiver settles it, or when its lock ends by itself. */
import { Envelope } from '../codec/envelope.ts';
import { type PropertyChanges, withApplicationProperties } from '../codec/rewrite.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { Core } from './core.ts';
import { headerRefusal } from './limits.ts';
import { type Ack, type Outcome, reasons } from './outcome.ts';
import { DEFERRED, type Lock, type MessageState, rowOf, type StoredMessage } from './records.ts';

/** The queue that handed the message out. */
interface Settling {
  readonly core: Core;
  readonly isDeadLetterQueue: boolean;
  readonly settings: { readonly maxDeliveryCount: number };
  readonly delivery: {
    /** Why this lock cannot be settled, undefined if it can. */
    refusal(lock: Lock): ServiceError | undefined;
    release(lock: Lock): void;
  };
  readonly plain: { watch(lock: Lock): void } | undefined;
  remove(message: StoredMessage, ack: Ack): void;
  moveToDeadLetters(message: StoredMessage, changes: PropertyChanges, ack: Ack): void;
  place(message: StoredMessage): void;
  enter(message: StoredMessage, state: MessageState): void;
  replaced(message: StoredMessage, bytes: Buffer): void;
}

export function settle(queue: Settling, lock: Lock, outcome: Outcome, ack: Ack): void {
  const refusal = queue.delivery.refusal(lock);
  if (refusal) return ack(refusal);
  if (outcome.kind === 'dead-letter' && queue.isDeadLetterQueue) {
    return ack(serviceErrors.notAllowed('A message in a dead letter queue cannot be dead-lettered again.'));
  }
  const { message } = lock;
  const tooLarge = tooLargeFor(queue, message, outcome);
  if (tooLarge) return ack(tooLarge);
  lock.open = false;
  const end = (error?: ServiceError) => {
    if (error) {
      reopen(queue, lock);
    } else {
      queue.core.counters.add(`settled.${outcome.kind}`);
      queue.delivery.release(lock);
    }
    ack(error);
  };
  if (outcome.kind === 'complete') queue.remove(message, end);
  else if (outcome.kind === 'dead-letter') queue.moveToDeadLetters(message, outcome.changes, end);
  else if (outcome.kind === 'defer') countDelivery(queue, message, DEFERRED, outcome.changes, end);
  else if (outcome.kind === 'abandon') countDelivery(queue, message, message.state, outcome.changes, end);
  else {
    end();
    if (queue.plain) queue.core.handOuts?.back(message);
    queue.place(message);
  }
}

/** An unsuccessful delivery: the count rises, and past the limit the message is a dead letter. */
export function countDelivery(
  queue: Settling,
  message: StoredMessage,
  state: MessageState,
  changes: PropertyChanges | undefined,
  ack: Ack,
): void {
  // Among dead letters the count stays as it was (azure-sdk-for-go, TestMessageSettlementUsingReceiver).
  const deliveryCount = message.deliveryCount + (queue.isDeadLetterQueue ? 0 : 1);
  const given = changes && changes.size > 0 ? changes : undefined;
  if (state === message.state && deliveryCount >= queue.settings.maxDeliveryCount) {
    const before = message.deliveryCount;
    message.deliveryCount = deliveryCount;
    const all = new Map([...(given ?? []), ...reasons.maxDeliveryCount(deliveryCount)]);
    return queue.moveToDeadLetters(message, all, (error) => {
      if (error) message.deliveryCount = before;
      ack(error);
    });
  }
  const edited = given && withApplicationProperties(queue.core.bodies.of(message), given);
  queue.core.commit({
    frees: true,
    write: (store) => {
      if (!edited) return store.setDelivery(message, deliveryCount, state);
      store.deleteMessage(message);
      const row = rowOf(message);
      store.insertMessage({ ...row, shared: 0, size: edited.length, deliveryCount, state }, edited);
    },
    applied: () => {
      if (edited) queue.replaced(message, edited);
      message.deliveryCount = deliveryCount;
      ack();
      queue.enter(message, state);
    },
    refused: ack,
  });
}

function tooLargeFor(queue: Settling, message: StoredMessage, outcome: Outcome): ServiceError | undefined {
  if (!('changes' in outcome) || outcome.changes.size === 0) return undefined;
  const bytes = withApplicationProperties(queue.core.bodies.of(message), outcome.changes);
  return headerRefusal(new Envelope(bytes));
}

/** A settlement that could not be stored leaves the lock as it was, unless its time is over by now. */
function reopen(queue: Settling, lock: Lock): void {
  lock.open = true;
  if (queue.delivery.refusal(lock)) queue.place(lock.message);
  else queue.plain?.watch(lock);
}
