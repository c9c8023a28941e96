import { stamped } from '../../codec/stamp.ts';
import { type Ack, type Outcome, reason } from '../../core/outcome.ts';
import { stampOf } from '../../core/peek.ts';
import type { Queue } from '../../core/queue.ts';
import { type Lock, lockKey, type StoredMessage } from '../../core/records.ts';
import { serviceErrors } from '../../errors.ts';
import { arrayOf, encodeValue, types } from '../rhea.ts';
import {
  type Call,
  heldSession,
  type Operation,
  ok,
  optionalText,
  queueOf,
  text,
  tokens,
  whole,
  wholeNumbers,
} from './operation.ts';

const TIMESTAMP = 0x83;
const RECEIVE_AND_DELETE = 0;

export const renewLocks: Operation = (call, respond) => {
  const { plain } = queueOf(call);
  if (!plain) throw serviceErrors.notAllowed('Messages of a session are locked with their session.');
  const locks = tokens(call.body).map((token) => {
    const lock = plain.find(lockKey(token));
    if (!lock || plain.refusal(lock)) throw serviceErrors.messageLockLost();
    return lock;
  });
  respond(
    ok({
      expirations: arrayOf(
        locks.map((lock) => plain.renew(lock)),
        TIMESTAMP,
      ),
    }),
  );
};

/** Deferred messages; all of them or an error. */
export const receiveBySequenceNumber: Operation = (call, respond) => {
  const queue = queueOf(call);
  const sessionId = optionalText(call.body, 'session-id');
  if (queue.sessions) heldSession(call);
  const messages = wholeNumbers(call.body, 'sequence-numbers').map((seq) => {
    const message = queue.deferred.get(seq);
    if (message?.place !== 'parked' || message.session?.id !== sessionId)
      throw serviceErrors.messageNotFound();
    return message;
  });
  if (new Set(messages).size < messages.length)
    throw serviceErrors.invalid('A sequence number is given twice.');
  for (const message of messages) message.place = 'held';
  const answer = (locks: (Lock | undefined)[], bytes: Buffer[]) => {
    const entries = messages.map((message, index) =>
      entry(message, locks[index], bytes[index] ?? Buffer.alloc(0)),
    );
    respond(ok({ messages: entries }));
  };
  const bytes = messages.map((message) => queue.core.bodies.of(message));
  if (whole(call.body, 'receiver-settle-mode') === RECEIVE_AND_DELETE) {
    const ack = collect(messages.length, (error) => (error ? respond(error) : answer([], bytes)));
    for (const message of messages) queue.remove(message, ack);
  } else {
    answer(
      messages.map((message) => lockFor(queue, call, message)),
      bytes,
    );
  }
};

export const updateDisposition: Operation = (call, respond) => {
  const queue = queueOf(call);
  const sessionId = optionalText(call.body, 'session-id');
  // The tokens of a session end with its hold, so they are the fence where the client names no link.
  if (queue.sessions && call.linkName !== undefined) heldSession(call);
  const outcome = toOutcome(call);
  const locks = tokens(call.body).map((token) => {
    const lock = queue.delivery.find(lockKey(token), sessionId);
    const refusal = lock ? queue.delivery.refusal(lock) : serviceErrors.messageLockLost();
    if (!lock || refusal) throw refusal ?? serviceErrors.messageLockLost();
    return lock;
  });
  const ack = collect(locks.length, (error) => respond(error ?? ok()));
  for (const lock of locks) queue.settle(lock, outcome, ack);
};

function lockFor(queue: Queue, call: Call, message: StoredMessage): Lock {
  const consumer = message.session?.hold?.consumer;
  return queue.delivery.lock(message, consumer?.name === call.linkName ? consumer : undefined);
}

function entry(message: StoredMessage, lock: Lock | undefined, bytes: Buffer): Record<string, unknown> {
  const encodedMessage = stamped(bytes, stampOf(message, lock?.until));
  return lock
    ? { message: encodedMessage, 'lock-token': types.wrap_uuid(lock.token) }
    : { message: encodedMessage };
}

function toOutcome({ body }: Call): Outcome {
  const changes = new Map<string, Buffer>();
  for (const [name, value] of Object.entries(body['properties-to-modify'] ?? {}))
    changes.set(name, encodeValue(value));
  const status = text(body, 'disposition-status');
  switch (status) {
    case 'completed':
      return { kind: 'complete' };
    case 'abandoned':
      return { kind: 'abandon', changes };
    case 'defered':
      return { kind: 'defer', changes };
    case 'suspended': {
      const why = reason(
        optionalText(body, 'deadletter-reason'),
        optionalText(body, 'deadletter-description'),
      );
      return { kind: 'dead-letter', changes: new Map([...changes, ...why]) };
    }
    default:
      throw serviceErrors.invalid(`The disposition status '${status}' is unknown.`);
  }
}

/** One answer for several operations: the first error, or success when all are done. */
function collect(count: number, done: Ack): Ack {
  let left = count;
  let first: Parameters<Ack>[0];
  if (count === 0) done();
  return (error) => {
    first ??= error;
    left -= 1;
    if (left === 0) done(first);
  };
}
