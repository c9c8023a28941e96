/** All durable data behind named functions; nothing outside this folder knows SQL. */

export interface EntityRow {
  id: number;
  path: string;
  kind: 'queue' | 'topic' | 'subscription' | 'dead-letter';
  description: string;
  /** Every sequence number handed out so far is below this. */
  ceiling: number;
}

export interface MessageRow {
  entity: number;
  seq: number;
  body: number;
  shared: boolean;
  size: number;
  enqueuedAt: number;
  expiresAt: number;
  dueAt: number;
  deliveryCount: number;
  state: number;
  session: string | null;
  origin: number;
  source: string | null;
}

export interface DuplicateRow {
  entity: number;
  /** When it was seen, in microseconds; unique, so that it is the key too. */
  seenAt: number;
  id: string;
}

export class StoreFullError extends Error {
  constructor() {
    super('The store is full.');
    this.name = 'StoreFullError';
  }
}

export interface Store {
  /** Runs all of it in one durable transaction; nothing of it remains when it throws. */
  transaction(work: () => void): void;
  /** Lets operations that free space use the reserve of a full store. */
  withReserve(work: () => void): void;

  putEntity(row: EntityRow): void;
  /** With its messages, their own bodies, its sessions and the ids it has seen. */
  removeEntity(id: number): void;
  /** Bodies of its messages that others may share. */
  sharedBodies(entity: number): number[];
  setCeiling(entity: number, ceiling: number): void;
  entities(): EntityRow[];

  insertBody(id: number, shared: boolean, bytes: Uint8Array): void;
  deleteBody(id: number): void;
  body(id: number): Buffer | undefined;
  lastBody(): number;
  /** Drops shared bodies left over by a crash between a fan-out's last settlement and its clean-up. */
  dropOrphanBodies(): void;

  insertMessage(row: MessageRow): void;
  deleteMessage(entity: number, seq: number): void;
  setDelivery(entity: number, seq: number, deliveryCount: number, state: number): void;
  messages(): Iterable<MessageRow>;
  messagesFrom(entity: number, seq: number, count: number): MessageRow[];

  setSessionState(entity: number, id: string, state: Uint8Array, updatedAt: number): void;
  clearSessionState(entity: number, id: string): void;
  sessionState(entity: number, id: string): Buffer | undefined;
  sessionsWithState(entity: number, updatedAfter: number): string[];

  insertDuplicate(entity: number, seenAt: number, id: string): void;
  purgeDuplicates(entity: number, upTo: number): void;
  duplicates(): Iterable<DuplicateRow>;

  close(): void;
}
