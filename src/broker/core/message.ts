import type { Session } from './session.ts';

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
