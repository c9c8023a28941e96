// What a queue keeps in memory: messages, the sessions they belong to, and the locks under which they are held. One file,
// because each of the three knows the other two.
import { randomFillSync } from 'node:crypto';
import type { ServiceError } from '../errors.ts';
import type { MessageRow } from '../store/store.ts';
import { Line } from './line.ts';

/** As `x-opt-message-state` says it. */
export const ACTIVE = 0;
export const DEFERRED = 1;
export const SCHEDULED = 2;
export type MessageState = typeof ACTIVE | typeof DEFERRED | typeof SCHEDULED;

/** Stands in the place of the due time of a message that was scheduled; a time that is still to come is greater than 0. */
const WAS_DUE = -1;

/**
 * Where a message stands in memory:
 * pending (its send is not yet committed), ready, held under a lock, parked (deferred or scheduled), gone.
 */
export type Place = 'pending' | 'ready' | 'held' | 'parked' | 'gone';

/** What memory keeps of a message that waits near the front or is in somebody's hands; all others are on disk only. */
export class StoredMessage {
  readonly entity: number;
  readonly seq: number;
  /** The number of a body that several subscriptions hold; 0 = the bytes are its own. */
  shared: number;
  size: number;
  /** The bytes, as long as they are kept in memory. */
  bytes: Buffer | undefined = undefined;
  enqueuedAt: number;
  /** 0 = never. For a scheduled message nothing expires before its due time. */
  expiresAt: number;
  deliveryCount: number;
  state: MessageState;
  place: Place = 'pending';
  session: Session | undefined;
  /** The sequence number it had first, at the topic or while it was scheduled; 0 = its own. */
  origin: number;
  /** In a dead letter queue: the path it came from. */
  source: string | undefined;
  /** How often it was forwarded. */
  hops: number;
  /** It waited here for its time; its receiver is told. */
  readonly activated: boolean;

  constructor(from: {
    entity: number;
    seq: number;
    shared: number;
    size: number;
    enqueuedAt: number;
    expiresAt: number;
    deliveryCount: number;
    state: MessageState;
    session: Session | undefined;
    origin: number;
    source: string | undefined;
    hops: number;
    activated: boolean;
  }) {
    this.entity = from.entity;
    this.seq = from.seq;
    this.shared = from.shared;
    this.size = from.size;
    this.enqueuedAt = from.enqueuedAt;
    this.expiresAt = from.expiresAt;
    this.deliveryCount = from.deliveryCount;
    this.state = from.state;
    this.session = from.session;
    this.origin = from.origin;
    this.source = from.source;
    this.hops = from.hops;
    this.activated = from.activated;
  }

  static of(row: MessageRow, session: Session | undefined): StoredMessage {
    const { source, dueAt } = row;
    return new StoredMessage({ ...row, session, source: source ?? undefined, activated: dueAt === WAS_DUE });
  }
}

/** The row of a message in the store, once it is where it belongs. */
export function rowOf(message: StoredMessage, session = message.session?.id): MessageRow {
  return {
    entity: message.entity,
    seq: message.seq,
    shared: message.shared,
    size: message.size,
    enqueuedAt: message.enqueuedAt,
    expiresAt: message.expiresAt,
    dueAt: message.activated ? WAS_DUE : 0,
    deliveryCount: message.deliveryCount,
    state: message.state,
    session: session ?? null,
    origin: message.origin,
    source: message.source ?? null,
    hops: message.hops,
  };
}

/** One receiver's hold of one session: it covers every message of the session, present and future. */
export interface Hold {
  readonly session: Session;
  readonly consumer: Consumer;
  until: number;
  readonly locks: Map<string, Lock>;
}

/** A session in memory: only while it has messages there or somebody holds it. */
export class Session extends Line<StoredMessage> {
  readonly id: string;
  hold: Hold | undefined;
  /** It stands in the line of sessions to be accepted. */
  queued = false;
  /** The queue has read past messages of it that are on disk, so nobody but itself will find them. */
  passed = false;
  /** Messages of it in memory: ready, or in somebody's hands. */
  messages = 0;

  constructor(id: string) {
    super();
    this.id = id;
  }
}

/** The receiver that a message is locked for. */
export interface Holder {
  readonly name: string;
  /** Its link or connection is open. */
  readonly live: boolean;
}

/** A receiving link, as the core sees it. */
export interface Consumer extends Holder {
  /** The link's name; requests over `$management` name it as `associated-link-name`. */
  readonly name: string;
  /** Messages are removed when they are handed out. */
  readonly receiveAndDelete: boolean;
  /** How many messages it can take now. */
  capacity(): number;
  /** `lock` is undefined when the message was removed instead of locked. */
  deliver(message: StoredMessage, bytes: Buffer, lock: Lock | undefined): void;
  /** Room promised to a message of so many bytes that is being removed for it, and taken back. */
  reserve(bytes: number): void;
  unreserve(bytes: number): void;
  /** The session it held is no longer its own. */
  lost(error: ServiceError): void;
}

export class Lock {
  /** A GUID in RFC byte order. */
  readonly token: Buffer;
  readonly key: string;
  readonly message: StoredMessage;
  /** Undefined when nobody can settle it any more but by its token. */
  holder: Holder | undefined;
  until: number;
  /** Can be settled: false from the moment a settlement begins or the lock is lost. */
  open = true;

  constructor(message: StoredMessage, until: number, holder: Holder | undefined) {
    this.token = drawToken();
    this.key = lockKey(this.token);
    this.message = message;
    this.until = until;
    this.holder = holder;
  }
}

export function lockKey(token: Buffer): string {
  return token.toString('latin1');
}

const TOKEN_BYTES = 16;
const POOL_TOKENS = 256;
let pool = Buffer.alloc(0);

function drawToken(): Buffer {
  if (pool.length === 0) pool = randomFillSync(Buffer.alloc(TOKEN_BYTES * POOL_TOKENS));
  const token = pool.subarray(0, TOKEN_BYTES);
  pool = pool.subarray(TOKEN_BYTES);
  return token;
}
