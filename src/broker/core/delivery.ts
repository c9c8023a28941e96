import type { ServiceError } from '../errors.ts';
import type { Consumer, Lock, StoredMessage } from './records.ts';

/** How a queue hands its messages out: one by one under message locks, or session by session under session locks. */
export interface Delivery {
  /** A message that can be received as of now. */
  ready(message: StoredMessage): void;
  /** A message that is not ready but belongs to it (deferred); sessions count it. */
  adopt(message: StoredMessage): void;
  /** The message left the queue. */
  left(message: StoredMessage): void;
  /** Why this lock cannot be settled or renewed, undefined if it can. */
  refusal(lock: Lock): ServiceError | undefined;
  /** The lock has ended. */
  release(lock: Lock): void;
  /** The lock with this token, whoever received it. */
  find(key: string, sessionId: string | undefined): Lock | undefined;
  /** Locks a deferred message for the asking link. */
  lock(message: StoredMessage, consumer: Consumer | undefined): Lock;
  readonly lockCount: number;
  readonly sessionCount: number;
}

/** What a delivery asks of its queue. */
export interface DeliveryOwner {
  readonly lockMs: number;
  /** Messages stay where they are. */
  readonly disabled: boolean;
  /** Messages go on to another entity instead of to receivers. */
  readonly forwards: boolean;
  forward(message: StoredMessage): void;
  /** Locks ended by time: the messages count a delivery and come back. */
  lockLost(locks: Lock[]): void;
  /** Messages given back without a count, as when a receiver closes its session. */
  returned(locks: Lock[]): void;
  /** Ready messages whose time is over. */
  expire(messages: StoredMessage[]): void;
  handOut(message: StoredMessage, consumer: Consumer, lock: Lock): void;
  removeFor(message: StoredMessage, consumer: Consumer): void;
}
