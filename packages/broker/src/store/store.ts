/** All durable data behind named functions; nothing outside this folder knows SQL. */
import type { Settings } from './database.ts';

/** As `x-opt-message-state` says it. */
export type StoredState = 0 | 1 | 2;

export interface EntityRow {
  id: number;
  path: string;
  kind: 'queue' | 'topic' | 'subscription' | 'dead-letter';
  description: string;
  /** Every sequence number handed out so far is below this. */
  ceiling: number;
}

/** What an entity holds; kept with every commit, so that a start need not count. */
export interface Tally {
  active: number;
  deferred: number;
  scheduled: number;
  /** Bytes of the active and deferred messages. */
  bytes: number;
  scheduledBytes: number;
  /** Bytes of the states of its sessions. */
  stateBytes: number;
}

/** What is needed to remove a message and keep the counts right. */
export interface MessageKey {
  entity: number;
  seq: number;
  state: StoredState;
  size: number;
  /** The number of a body that several messages hold; 0 = the bytes are its own. */
  shared: number;
}

export interface MessageRow extends MessageKey {
  enqueuedAt: number;
  expiresAt: number;
  dueAt: number;
  deliveryCount: number;
  session: string | null;
  origin: number;
  source: string | null;
  hops: number;
}

/** A message read with its bytes. */
export interface FullMessage extends MessageRow {
  bytes: Buffer;
}

export interface SeenId {
  /** In microseconds; unique in its entity, so that it is the key, too. */
  seenAt: number;
  id: string;
}

/** Its message says what is full: the size that the broker may have, or the disk. */
export class StoreFullError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StoreFullError';
  }
}

export interface Store {
  /** Runs all of it in one durable transaction; nothing of it remains when it throws. */
  transaction(work: () => void): void;
  /** Lets operations that free space use the reserve of a full store. */
  withReserve(work: () => void): void;

  putEntity(row: EntityRow): void;
  /** Removes the entity at once. What it held is removed bit by bit, by `purgeRemoved`. */
  removeEntity(id: number): void;
  /** Some of what removed entities held: messages, bodies that nobody else holds, states, ids. True = there is more. */
  purgeRemoved(rows: number): boolean;
  /** No entity has had a higher number. */
  lastEntity(): number;
  setCeiling(entity: number, ceiling: number): void;
  entities(): EntityRow[];
  tally(entity: number): Tally;

  /** Before the messages that share it. It goes with the last of them. */
  insertBody(id: number, bytes: Uint8Array): void;
  lastBody(): number;

  /** `bytes` unless it shares a body. */
  insertMessage(row: MessageRow, bytes: Uint8Array | undefined): void;
  deleteMessage(key: MessageKey): void;
  setDelivery(key: MessageKey, deliveryCount: number, state: StoredState): void;
  bytes(entity: number, seq: number, shared: number): Buffer | undefined;
  message(entity: number, seq: number): FullMessage | undefined;
  /** In any state, in order, at most `count` of them; read one by one, so that a caller that has enough stops. */
  messagesFrom(
    entity: number,
    seq: number,
    session: string | undefined,
    count: number,
  ): Iterable<FullMessage>;
  /** Active ones behind a sequence number, in order; of one session, if it is given. */
  activeAfter(entity: number, seq: number, session: string | undefined, count: number): Iterable<FullMessage>;
  /** Active ones whose time ends after one instant and up to another, the earliest first. */
  expired(entity: number, after: number, upTo: number): Iterable<FullMessage>;
  nextExpiry(entity: number, after: number): number | undefined;
  /** Scheduled ones whose time has come, the earliest first. */
  due(entity: number, now: number): Iterable<FullMessage>;
  nextDue(entity: number, after: number): number | undefined;

  /** Undefined clears it. Returns by how many bytes the states have grown. */
  setSessionState(entity: number, id: string, state: Uint8Array | undefined, updatedAt: number): number;
  sessionState(entity: number, id: string): Buffer | undefined;
  /** In bytes; 0 = no such file. */
  sessionStateSize(entity: number, id: string): number;
  /** Those with a state, or messages that are not scheduled. */
  countSessions(entity: number): number;
  /** In the order of their ids: all of them, or those whose state changed after an instant. */
  sessions(entity: number, updatedAfter: number | undefined, skip: number, top: number): string[];

  insertDuplicate(entity: number, seenAt: number, id: string): void;
  purgeDuplicates(entity: number, upTo: number): void;
  /** Those seen after an instant, oldest first. */
  duplicates(entity: number, after: number): Iterable<SeenId>;
  /** The id that was seen then. */
  duplicate(entity: number, seenAt: number): string | undefined;

  /** Gives the disk back what nothing takes any more, when it is much and quickly done. Returns whether it was. */
  shrink(): boolean;
  /** As the open database answers. */
  settings(): Settings;
  close(): void;
}
