import type { Queue } from '../core/queue.ts';
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

export function countsOf(queue: Queue, scheduled: number): Counts {
  const deadLettered = queue.deadLetters?.active ?? 0;
  const transferDeadLettered = queue.transferDeadLetters?.active ?? 0;
  const held = [queue, queue.deadLetters, queue.transferDeadLetters];
  return {
    active: queue.active,
    deadLettered,
    scheduled,
    transferDeadLettered,
    total: queue.active + queue.deferred.size + deadLettered + transferDeadLettered + scheduled,
    bytes: held.reduce((bytes, each) => bytes + (each?.bytes ?? 0), 0),
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
