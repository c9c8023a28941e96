// What a queue keeps in memory: messages, the sessions they belong to, and the locks under which they are held. One file,
// because each of the three knows the other two.
import { randomFillSync } from 'node:crypto';
import type { ServiceError } from '../errors.ts';
import { ReadyList } from './ready.ts';

/** As `x-opt-message-state` says it. */
export const ACTIVE = 0;
export const DEFERRED = 1;
export const SCHEDULED = 2;
export type MessageState = typeof ACTIVE | typeof DEFERRED | typeof SCHEDULED;

/**
 * Where a message stands in memory:
 * pending (its send is not yet committed), ready, held under a lock, parked (deferred or scheduled), gone.
 */
export type Place = 'pending' | 'ready' | 'held' | 'parked' | 'gone';

/** The small record kept in memory for every message; its bytes are in the store under `body`. */
export class StoredMessage {
  seq: number;
  body: number;
  /** The body belongs to several subscriptions. */
  shared: boolean;
  size: number;
  enqueuedAt: number;
  /** 0 = never. For a scheduled message nothing expires before its due time. */
  expiresAt: number;
  /** When a scheduled message becomes active; 0 otherwise. */
  dueAt: number;
  deliveryCount: number;
  state: MessageState;
  place: Place = 'pending';
  session: Session | undefined;
  /** The sequence number it had first, at the topic or while it was scheduled; 0 = its own. */
  origin: number;
  /** In a dead letter queue: the path it came from. */
  source: string | undefined;
  /** How often it was forwarded; not kept over a restart. */
  hops = 0;

  constructor(from: {
    seq: number;
    body: number;
    shared: boolean;
    size: number;
    enqueuedAt: number;
    expiresAt: number;
    dueAt: number;
    deliveryCount: number;
    state: MessageState;
    session: Session | undefined;
    origin: number;
    source: string | undefined;
  }) {
    this.seq = from.seq;
    this.body = from.body;
    this.shared = from.shared;
    this.size = from.size;
    this.enqueuedAt = from.enqueuedAt;
    this.expiresAt = from.expiresAt;
    this.dueAt = from.dueAt;
    this.deliveryCount = from.deliveryCount;
    this.state = from.state;
    this.session = from.session;
    this.origin = from.origin;
    this.source = from.source;
  }
}

/** One receiver's hold of one session: it covers every message of the session, present and future. */
export interface Hold {
  readonly session: Session;
  readonly consumer: Consumer;
  until: number;
  readonly locks: Map<string, Lock>;
}

/** A session in memory: only while it has messages or somebody holds it; a state alone stays on disk. */
export class Session {
  readonly id: string;
  readonly ready = new ReadyList<StoredMessage>();
  hold: Hold | undefined;
  /** It stands in the line of sessions to be accepted. */
  queued = false;
  /** Messages of it in any state. */
  messages = 0;

  constructor(id: string) {
    this.id = id;
  }
}

/** A receiving link, as the core sees it. */
export interface Consumer {
  /** The link's name; requests over `$management` name it as `associated-link-name`. */
  readonly name: string;
  /** Messages are removed when they are handed out. */
  readonly receiveAndDelete: boolean;
  /** How many messages it can take now. */
  capacity(): number;
  /** `lock` is undefined when the message was removed instead of locked. */
  deliver(message: StoredMessage, bytes: Buffer, lock: Lock | undefined): void;
  /** Room promised to a message that is being removed for it. */
  reserve(): void;
  /** The session it held is no longer its own. */
  lost(error: ServiceError): void;
}

export class Lock {
  /** A GUID in RFC byte order. */
  readonly token: Buffer;
  readonly key: string;
  readonly message: StoredMessage;
  readonly holder: Consumer | undefined;
  until: number;
  /** Can be settled: false from the moment a settlement begins or the lock is lost. */
  open = true;

  constructor(message: StoredMessage, until: number, holder: Consumer | undefined) {
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
