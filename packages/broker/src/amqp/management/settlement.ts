// Management operations on single messages: renew a lock, receive deferred ones (all of them or an error), settle by
// lock token.
import { encodedMap } from '../../codec/body.ts';
import { stamped } from '../../codec/stamp.ts';
import { TIMESTAMP } from '../../codec/values.ts';
import { type Ack, type Outcome, reason } from '../../core/outcome.ts';
import { shown, stampOf } from '../../core/peek.ts';
import type { Queue } from '../../core/queue.ts';
import { type Lock, lockKey, type StoredMessage } from '../../core/records.ts';
import { serviceErrors } from '../../errors.ts';
import { settle } from '../connected-client.ts';
import { arrayOf, types } from '../rhea.ts';
import {
  type Call,
  heldSession,
  inLine,
  type Operation,
  ok,
  optionalText,
  queueOf,
  text,
  tokens,
  whole,
  wholeNumbers,
} from './operation.ts';

const RECEIVE_AND_DELETE = 0;

export const renewLocks: Operation = (call, respond) => {
  const queue = queueOf(call);
  const { plain } = queue;
  if (!plain) throw serviceErrors.notAllowed('Messages of a session are locked with their session.');
  const locks = tokens(call.body).map((token) => {
    const lock = plain.find(lockKey(token));
    if (!lock || plain.refusal(lock)) throw serviceErrors.messageLockLost();
    return lock;
  });
  respond(
    ok({
      expirations: arrayOf(
        locks.map((lock) => queue.core.onClients(plain.renew(lock))),
        TIMESTAMP,
      ),
    }),
  );
};

/** Deferred messages; all of them or an error. */
export const receiveBySequenceNumber: Operation = (call, respond) =>
  inLine(call, respond, () => receiveDeferred(call, respond));

const receiveDeferred: Operation = (call, respond) => {
  const queue = queueOf(call);
  const sessionId = optionalText(call.body, 'session-id');
  if (queue.sessions) heldSession(call);
  // As the service does: azure-sdk-for-net issue 34662.
  else if (queue.settings.afterSessions && call.linkName === undefined)
    throw serviceErrors.sessionLockLost('');
  const messages = wholeNumbers(call.body, 'sequence-numbers').map((seq) => {
    const message = queue.deferred.find(seq, sessionId);
    if (!message) throw serviceErrors.messageNotFound();
    return message;
  });
  if (new Set(messages.map(({ seq }) => seq)).size < messages.length)
    throw serviceErrors.invalid('A sequence number is given twice.');
  if (queue.expireDeferred(messages)) throw serviceErrors.messageNotFound();
  for (const message of messages) queue.deferred.take(message);
  const answer = (locks: (Lock | undefined)[], bytes: Buffer[]) => {
    const entries = messages.map((message, index) =>
      entry(queue, message, locks[index], bytes[index] ?? Buffer.alloc(0)),
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
  const { enlist } = call;
  if (enlist) {
    for (const lock of locks) enlist((ack) => queue.settle(lock, outcome, ack));
    return respond(ok());
  }
  const ack = collect(locks.length, (error) => respond(error ?? ok()));
  for (const lock of locks) settle(queue, lock, outcome, call.target.client, ack);
};

function lockFor(queue: Queue, call: Call, message: StoredMessage): Lock {
  const consumer = message.session?.hold?.consumer;
  const asked = consumer && consumer.name === call.linkName ? consumer : call.target.client;
  return queue.delivery.lock(message, asked);
}

function entry(
  { core }: Queue,
  message: StoredMessage,
  lock: Lock | undefined,
  bytes: Buffer,
): Record<string, unknown> {
  const encodedMessage = stamped(bytes, stampOf(message, lock && shown(core, lock)));
  return lock
    ? { message: encodedMessage, 'lock-token': types.wrap_uuid(lock.token) }
    : { message: encodedMessage };
}

function toOutcome({ body, encoded }: Call): Outcome {
  const changes = encodedMap(encoded, 'properties-to-modify') ?? new Map<string, Buffer>();
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
