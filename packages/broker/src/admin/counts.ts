// How many messages an entity holds, by the states that the administration API counts.
import type { Queue } from '../core/queue.ts';
import { bytesOf } from '../core/queue-entity.ts';
import type { Schedule } from '../core/schedule.ts';
import type { Element } from './xml.ts';

const COUNTS = 'http://schemas.microsoft.com/netservices/2011/06/servicebus';

export interface Counts {
  readonly active: number;
  readonly deadLettered: number;
  readonly scheduled: number;
  /** What could not be forwarded. */
  readonly transferDeadLettered: number;
  /** In any state. */
  readonly total: number;
  readonly bytes: number;
}

/** A subscription has no schedule: its topic has. */
export function countsOf(queue: Queue, schedule?: Pick<Schedule, 'size' | 'bytes'>): Counts {
  const deadLettered = queue.deadLetters?.active ?? 0;
  const transferDeadLettered = queue.transferDeadLetters?.active ?? 0;
  const scheduled = schedule?.size ?? 0;
  return {
    active: queue.active,
    deadLettered,
    scheduled,
    transferDeadLettered,
    total: queue.active + queue.deferred.size + deadLettered + transferDeadLettered + scheduled,
    bytes: bytesOf(queue) + (schedule?.bytes ?? 0),
  };
}

/** Exactly one attribute, the prefix: clients look for it. Nothing waits for a transfer, which is immediate. */
export function countDetails(counts: Omit<Counts, 'total' | 'bytes'>): Element {
  return {
    '@xmlns:d2p1': COUNTS,
    'd2p1:ActiveMessageCount': counts.active,
    'd2p1:DeadLetterMessageCount': counts.deadLettered,
    'd2p1:ScheduledMessageCount': counts.scheduled,
    'd2p1:TransferMessageCount': 0,
    'd2p1:TransferDeadLetterMessageCount': counts.transferDeadLettered,
  };
}
