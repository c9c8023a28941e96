// Where messages go, and under which numbers: into a queue once, into each subscription of a topic that has a matching rule.
import type { Envelope } from '../codec/envelope.ts';
import type { MessageRow, Store } from '../store/store.ts';
import type { Core, Sequence } from './core.ts';
import type { Carried } from './departures.ts';
import type { Queue } from './queue.ts';
import { rowOf, SCHEDULED, StoredMessage } from './records.ts';
import type { Schedule } from './schedule.ts';

/** Where one message goes: one of these for a queue, one a matching subscription for a topic. */
export interface Placement {
  queue: Queue;
  seq: number;
  origin: number;
  expiresAt: number;
  sessionId: string | undefined;
  source: string | undefined;
  /** Other bytes instead of those that were sent. */
  bytes?: Buffer;
}

/** What a message is called. */
export interface Numbers {
  /** The number that it had first, elsewhere or while it was scheduled; 0 = its own is the first. */
  readonly origin: number;
  /** One that its sender has been told already; 0 = none. */
  readonly own?: number;
  /** It was scheduled. */
  readonly activated?: boolean;
}

/** What differs between a queue and a topic. */
export interface Destination {
  readonly id: number;
  readonly path: string;
  readonly sequence: Sequence;
  /** Throws a ServiceError when this message must not be here. */
  check(message: Envelope): void;
  place(message: Envelope, now: number, numbers: Numbers): Placement[];
  readonly bytes: number;
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
  carried?: Carried,
): Entry {
  const row: MessageRow = {
    entity: to.id,
    seq,
    shared: 0,
    size: envelope.bytes.length,
    enqueuedAt: core.alarms.now(),
    expiresAt: 0,
    dueAt: envelope.scheduledAt,
    deliveryCount: 0,
    state: SCHEDULED,
    session: envelope.sessionId ?? null,
    origin: carried?.origin ?? 0,
    source: carried?.source ?? null,
    hops: carried?.hops ?? 0,
  };
  core.counters.add('scheduled');
  return {
    write: (store) => store.insertMessage(row, envelope.bytes),
    applied: () => schedule.added(row),
  };
}

/** Bytes that several placements share are stored once. */
export function placedEntry(
  core: Core,
  to: Destination,
  envelope: Envelope,
  numbers: Numbers,
  carried?: Carried,
): Entry {
  const now = core.alarms.now();
  const placements = to.place(envelope, now, numbers);
  const sharing = placements.filter((placement) => !placement.bytes).length;
  const shared = sharing > 1 ? core.bodies.nextShared() : 0;
  const placed = placements.map(({ queue, bytes, sessionId, source, ...rest }) => {
    const message = new StoredMessage({
      ...rest,
      entity: queue.id,
      shared: bytes ? 0 : shared,
      size: (bytes ?? envelope.bytes).length,
      enqueuedAt: now,
      deliveryCount: 0,
      state: 0,
      session: undefined,
      source: source ?? carried?.source,
      hops: carried?.hops ?? 0,
      activated: numbers.activated === true && source === undefined,
    });
    return { queue, message, bytes: bytes ?? envelope.bytes, sessionId };
  });
  return {
    write: (store) => {
      if (shared > 0) store.insertBody(shared, envelope.bytes);
      for (const { message, bytes, sessionId } of placed) {
        store.insertMessage(rowOf(message, sessionId), message.shared > 0 ? undefined : bytes);
      }
    },
    applied: () => {
      for (const { queue, message, bytes, sessionId } of placed) {
        queue.admit(message, bytes, sessionId);
      }
    },
  };
}
