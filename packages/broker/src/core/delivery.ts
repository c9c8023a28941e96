/** What a queue and the two ways of handing its messages out ask of each other. */
import type { ServiceError } from '../errors.ts';
import type { Page } from './line.ts';
import type { Consumer, Holder, Lock, Session, StoredMessage } from './records.ts';

/** Ready messages that a queue keeps in memory; more are on disk only. */
export const MOST_IN_MEMORY = 2000;

/** A long backlog is forwarded commit by commit. */
export const MOST_FORWARDING = 500;

/** How a queue hands its messages out: one by one under message locks, or session by session under session locks. */
export interface Delivery {
  /** After a start, with all that waits on disk. */
  restore(): void;
  /** Whether a new message is to be `ready` in memory; if not it comes from disk in its turn. */
  keeps(message: StoredMessage, sessionId: string | undefined): boolean;
  /** A message that can be received as of now. */
  ready(message: StoredMessage): void;
  /** The ready message that comes first. */
  first(sessionId: string | undefined): StoredMessage | undefined;
  /** Holds the one that came first. */
  take(message: StoredMessage): void;
  /** A ready message is held by another way. */
  withdrawn(): void;
  /** The message is in memory from now on. */
  entered(message: StoredMessage): void;
  /** The message is in memory no more. */
  left(message: StoredMessage): void;
  /** Why this lock cannot be settled or renewed, undefined if it can. */
  refusal(lock: Lock): ServiceError | undefined;
  /** The lock has ended. */
  release(lock: Lock): void;
  /** The lock with this token, of any receiver. */
  find(key: string, sessionId: string | undefined): Lock | undefined;
  /** Locks a deferred message for who asked. */
  lock(message: StoredMessage, holder: Holder | undefined): Lock;
  readonly lockCount: number;
  /** Ready messages that are not on disk only. */
  readonly inMemory: number;
}

export interface Reading {
  /** Undefined = of the whole queue. */
  readonly session?: Session;
  readonly most?: number;
  /** Leaves the message of a session where it is. */
  readonly skips?: (sessionId: string, seq: number) => boolean;
}

/** What a delivery asks of its queue. */
export interface DeliveryOwner {
  readonly lockMs: number;
  /** Messages stay where they are. */
  readonly disabled: boolean;
  /** Messages are forwarded to another entity instead of delivered to receivers. */
  readonly forwards: boolean;
  forward(message: StoredMessage): void;
  /** Ready messages from disk. */
  read(after: number, what: Reading): Page<StoredMessage> | undefined;
  /** Locks ended by time: the messages count a delivery and come back. */
  lockLost(locks: Lock[]): void;
  /** Messages given back without a count, as when a receiver closes its session. */
  returned(locks: Lock[]): void;
  /** Ready messages whose time is over. */
  expire(messages: StoredMessage[]): void;
  handOut(message: StoredMessage, consumer: Consumer, lock: Lock): void;
  removeFor(message: StoredMessage, consumer: Consumer): void;
}
