/** Ways out of a queue: into its dead letters, on to where it forwards, or deleted while it waits. */
import type { Envelope } from '../codec/envelope.ts';
import { type PropertyChanges, withApplicationProperties } from '../codec/rewrite.ts';
import { type ServiceError, serviceErrors } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Core } from './core.ts';
import { type Ack, reasons } from './outcome.ts';
import { ACTIVE, rowOf, StoredMessage } from './records.ts';

/** The queue that a message leaves. */
interface Origin {
  readonly core: Core;
  readonly path: string;
  readonly settings: { readonly forwardTo: string | undefined };
  readonly transferDeadLetters: Destination | undefined;
  readonly delivery: Waiting;
  /** Called when the message is gone from the disk. */
  left(message: StoredMessage): void;
  /** Puts it back to where its state belongs. */
  place(message: StoredMessage): void;
}

/** The queue of dead letters that it enters. */
interface Destination {
  readonly id: number;
  admit(message: StoredMessage, bytes: Buffer): void;
}

interface Waiting {
  first(sessionId: string | undefined): StoredMessage | undefined;
  take(message: StoredMessage): void;
}

/** On to the next entity; what cannot go there ends in the transfer dead letters. */
export function forwardOn(
  from: Origin,
  message: StoredMessage,
  target: ForwardTarget | undefined,
  ack: Ack,
): void {
  const stays = (changes: PropertyChanges) => moveTo(from.transferDeadLetters, from, message, changes, ack);
  if (message.hops >= MAX_HOPS) return stays(reasons.tooManyHops());
  const failed = ({ condition, message: why }: ServiceError) => stays(reasons.transferFailed(condition, why));
  if (!target) return failed(serviceErrors.entityNotFound(`sb://localhost/${from.settings.forwardTo}`));
  target.forward({
    message: from.core.envelopeOf(message),
    carried: { origin: message.origin || message.seq, source: message.source, hops: message.hops + 1 },
    leave: {
      write: (store) => store.deleteMessage(message),
      applied: () => from.left(message),
    },
    failed,
  });
}

/** It keeps its number, its time and its count; nothing expires among dead letters. */
export function moveTo(
  target: Destination | undefined,
  from: Origin,
  message: StoredMessage,
  changes: PropertyChanges,
  ack: Ack,
): void {
  if (!target) return ack(serviceErrors.internal('there is no dead letter queue here'));
  const { core } = from;
  const bytes = withApplicationProperties(core.bodies.of(message), changes);
  const moved = deadLetterOf(message, target.id, from.path, bytes);
  core.counters.add('deadLettered');
  core.commit({
    frees: true,
    write: (store) => {
      store.deleteMessage(message);
      store.insertMessage(rowOf(moved), bytes);
    },
    applied: () => {
      from.left(message);
      target.admit(moved, bytes);
      ack();
    },
    refused: ack,
  });
}

export function deadLetterOf(
  message: { readonly seq: number; enqueuedAt: number; deliveryCount: number; origin: number },
  entity: number,
  source: string,
  bytes: Buffer,
): StoredMessage {
  const { seq, enqueuedAt, deliveryCount, origin } = message;
  return new StoredMessage({
    entity,
    seq,
    enqueuedAt,
    deliveryCount,
    origin,
    shared: 0,
    size: bytes.length,
    state: ACTIVE,
    expiresAt: 0,
    session: undefined,
    source,
    hops: 0,
    activated: false,
  });
}

/** Waiting messages that came no later than `before`, oldest first. */
export function deleteWaiting(
  from: Origin,
  { count, before, sessionId }: { count: number; before: number; sessionId: string | undefined },
  done: (error: ServiceError | undefined, deleted: number) => void,
): void {
  const { core, delivery } = from;
  const messages: StoredMessage[] = [];
  for (let next = delivery.first(sessionId); next; next = delivery.first(sessionId)) {
    if (messages.length === count || next.enqueuedAt > before) break;
    delivery.take(next);
    messages.push(next);
  }
  core.commit({
    frees: true,
    write: (store) => {
      for (const message of messages) store.deleteMessage(message);
    },
    applied: () => {
      for (const message of messages) from.left(message);
      done(undefined, messages.length);
    },
    refused: (error) => {
      for (const message of messages) from.place(message);
      done(error, 0);
    },
  });
}

// Auto-forwarding: a queue or subscription hands what it gets to another queue or topic.

/** The service lets a message pass through this many forwards. */
const MAX_HOPS = 4;

/** What a forwarded message takes along. */
export interface Carried {
  /** Its first sequence number. */
  origin: number;
  /** In a dead letter queue: where it came from. */
  source: string | undefined;
  hops: number;
}

export interface Forward {
  readonly message: Envelope;
  readonly carried: Carried;
  /** Leaves its queue in the transaction in which it enters the next. */
  readonly leave: { write(store: Store): void; applied(): void };
  readonly failed: (error: ServiceError) => void;
}

/** The entity that takes forwarded messages. */
export interface ForwardTarget {
  forward(forward: Forward): void;
}

export type FindTarget = (path: string) => ForwardTarget | undefined;

/** Descriptions may name the target by its address, as clients send it. */
export function targetPath(address: string | undefined): string | undefined {
  return address ? address.replace(/^[a-z]+:\/\/[^/]*\//i, '') : undefined;
}
