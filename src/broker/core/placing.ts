import type { Envelope } from '../codec/envelope.ts';
import type { MessageRow, Store } from '../store/store.ts';
import type { Core } from './core.ts';
import type { Carried } from './forwarding.ts';
import type { Queue } from './queue.ts';
import { SCHEDULED, StoredMessage } from './records.ts';
import type { Schedule } from './schedule.ts';
import type { Sequence } from './sequence.ts';

/** Where one message goes: one of these for a queue, one a matching subscription for a topic. */
export interface Placement {
  queue: Queue;
  seq: number;
  origin: number;
  expiresAt: number;
  sessionId: string | undefined;
  source: string | undefined;
  /** Bytes of its own instead of the ones that were sent. */
  bytes?: Buffer;
}

/** What differs between a queue and a topic. */
export interface Destination {
  readonly id: number;
  readonly path: string;
  readonly sequence: Sequence;
  /** Throws a ServiceError when this message must not be here. */
  check(message: Envelope): void;
  place(message: Envelope, now: number, origin: number): Placement[];
  readonly bytes: number;
  row(message: StoredMessage): MessageRow;
}

/** One message on its way in: what goes to the store, and what happens in memory once it is there. */
export interface Entry {
  write(store: Store): void;
  applied(): void;
}

export function scheduledEntry(
  core: Core,
  to: Destination,
  schedule: Schedule,
  envelope: Envelope,
  seq: number,
): Entry {
  const message = new StoredMessage({
    seq,
    body: core.bodies.next(),
    shared: false,
    size: envelope.bytes.length,
    enqueuedAt: core.alarms.now(),
    expiresAt: 0,
    dueAt: envelope.scheduledAt,
    deliveryCount: 0,
    state: SCHEDULED,
    session: undefined,
    origin: 0,
    source: undefined,
  });
  core.counters.add('scheduled');
  return {
    write: (store) => {
      store.insertBody(message.body, false, envelope.bytes);
      store.insertMessage({ ...to.row(message), session: envelope.sessionId ?? null });
    },
    applied: () => schedule.add(message),
  };
}

/** A body shared by several placements is stored once. */
export function placedEntry(
  core: Core,
  to: Destination,
  envelope: Envelope,
  origin: number,
  carried?: Carried,
): Entry {
  const now = core.alarms.now();
  const placements = to.place(envelope, now, origin);
  const sharing = placements.filter((placement) => !placement.bytes).length;
  const body = sharing > 0 ? core.bodies.next() : 0;
  const shared = sharing > 1;
  const placed = placements.map(({ queue, bytes, sessionId, source, ...rest }) => {
    const message = new StoredMessage({
      ...rest,
      body: bytes ? core.bodies.next() : body,
      shared: bytes ? false : shared,
      size: (bytes ?? envelope.bytes).length,
      enqueuedAt: now,
      dueAt: 0,
      deliveryCount: 0,
      state: 0,
      session: undefined,
      source: source ?? carried?.source,
    });
    message.hops = carried?.hops ?? 0;
    return { queue, message, bytes, sessionId };
  });
  return {
    write: (store) => {
      if (sharing > 0) store.insertBody(body, shared, envelope.bytes);
      for (const { queue, message, bytes, sessionId } of placed) {
        if (bytes) store.insertBody(message.body, false, bytes);
        store.insertMessage({ ...queue.row(message), session: sessionId ?? null });
      }
    },
    applied: () => {
      if (sharing > 0) core.bodies.remember(body, envelope.bytes);
      for (const { queue, message, sessionId } of placed) {
        if (message.shared) core.bodies.addOwner(body);
        // Only now: a session without messages may have been forgotten since.
        if (sessionId !== undefined) message.session = queue.sessions?.ensure(sessionId);
        queue.admit(message);
      }
    },
  };
}
