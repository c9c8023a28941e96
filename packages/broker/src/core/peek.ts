// Messages in any state from a sequence number on, without locking or counting them.
import type { Stamp } from '../codec/stamp.ts';
import { stamped, withoutBody } from '../codec/stamp.ts';
import type { MessageRow } from '../store/store.ts';
import type { Core } from './core.ts';
import { ACTIVE, type Lock, SCHEDULED, type StoredMessage } from './records.ts';

/** One answer holds no more; it has one message at least. */
const MOST_BYTES = 1024 * 1024;

/** Messages in any state from a sequence number on, without locking or counting them. */
export function peek(
  core: Core,
  entity: number,
  from: number,
  count: number,
  sessionId: string | undefined,
  bodies: 'with-bodies' | 'without-bodies' = 'with-bodies',
): Buffer[] {
  const found: Buffer[] = [];
  let bytes = 0;
  for (const row of core.store.messagesFrom(entity, from, sessionId, count)) {
    bytes += row.size;
    if (found.length > 0 && bytes > MOST_BYTES) break;
    const message = stamped(row.bytes, stampOf(row, undefined));
    found.push(bodies === 'with-bodies' ? message : withoutBody(message));
  }
  return found;
}

/** A lock as its holder hears of it. */
export function shown(core: Core, { until, token }: Lock): Stamp['lock'] {
  return { until: core.onClients(until), token };
}

/** What a row or a message says of itself at the moment it is handed out; only its receiver hears of its schedule. */
export function stampOf(of: MessageRow | StoredMessage, lock: Stamp['lock']): Stamp {
  return {
    seq: of.seq,
    enqueuedAt: of.enqueuedAt,
    expiresAt: of.expiresAt,
    deliveryCount: of.deliveryCount,
    state: of.state === ACTIVE && 'activated' in of && of.activated ? SCHEDULED : of.state,
    lock,
    origin: of.origin,
    source: of.source ?? undefined,
  };
}
