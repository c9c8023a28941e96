import type { Stamp } from '../codec/stamp.ts';
import { stamped } from '../codec/stamp.ts';
import type { MessageRow } from '../store/store.ts';
import type { Core } from './core.ts';
import { DEFERRED, SCHEDULED, type StoredMessage } from './records.ts';

/** Messages in any state from a sequence number on, without locking or counting them. */
export function peek(
  core: Core,
  entity: number,
  from: number,
  count: number,
  sessionId: string | undefined,
): Buffer[] {
  const found: Buffer[] = [];
  for (let next = from; found.length < count; ) {
    const rows = core.store.messagesFrom(
      entity,
      next,
      sessionId === undefined ? count : Math.max(count, 500),
    );
    for (const row of rows) {
      next = row.seq + 1;
      if (sessionId !== undefined && row.session !== sessionId) continue;
      const bytes = core.store.body(row.body);
      if (bytes && found.length < count) found.push(stamped(bytes, stampOf(row, undefined)));
    }
    if (rows.length === 0) break;
  }
  return found;
}

/** What a row or a message says of itself at the moment it is handed out. */
export function stampOf(of: MessageRow | StoredMessage, lockedUntil: number | undefined): Stamp {
  return {
    seq: of.seq,
    enqueuedAt: of.enqueuedAt,
    expiresAt: of.expiresAt,
    deliveryCount: of.deliveryCount,
    state: of.state === DEFERRED || of.state === SCHEDULED ? of.state : 0,
    lockedUntil,
    origin: of.origin,
    source: of.source ?? undefined,
  };
}
