/** Auto-forwarding: a queue or subscription hands what it gets to another queue or topic. */
import type { Envelope } from '../codec/envelope.ts';
import type { ServiceError } from '../errors.ts';
import type { Store } from '../store/store.ts';

/** The service lets a message pass through this many forwards. */
export const MAX_HOPS = 4;

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
