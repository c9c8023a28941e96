// A queue as senders see it.
import type { Envelope } from '../codec/envelope.ts';
import { serviceErrors } from '../errors.ts';
import type { Core, Sequence } from './core.ts';
import { Intake } from './intake.ts';
import type { Destination, Numbers, Placement } from './placing.ts';
import type { Queue } from './queue.ts';
import type { IntakeSettings } from './settings.ts';

/** A queue as senders see it. */
export class QueueEntity implements Destination {
  readonly queue: Queue;
  readonly intake: Intake;
  /** Links that receive from it, or from what belongs to it. */
  receivers = 0;

  constructor(core: Core, queue: Queue, settings: IntakeSettings) {
    this.queue = queue;
    this.intake = new Intake(core, this, settings);
  }

  get id(): number {
    return this.queue.id;
  }

  get path(): string {
    return this.queue.path;
  }

  get bytes(): number {
    return bytesOf(this.queue) + this.intake.schedule.bytes;
  }

  get sequence(): Sequence {
    return this.queue.sequence;
  }

  check(message: Envelope): void {
    if (this.queue.settings.requiresSession && message.sessionId === undefined) {
      throw serviceErrors.notAllowed(
        'The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session support enabled can only receive messages that have the SessionId set to a valid value.',
      );
    }
  }

  place(message: Envelope, now: number, { origin, own }: Numbers): Placement[] {
    return [
      {
        queue: this.queue,
        seq: own || this.sequence.take(),
        origin,
        expiresAt: expiry(now, message, this.intake.settings.ttlMs),
        sessionId: this.queue.settings.requiresSession ? message.sessionId : undefined,
        source: undefined,
      },
    ];
  }
}

/** What counts towards an entity's size. */
export function bytesOf({ bytes, stateBytes, deadLetters, transferDeadLetters }: Queue): number {
  return bytes + stateBytes + (deadLetters?.bytes ?? 0) + (transferDeadLetters?.bytes ?? 0);
}

/** The entity's time to live is the default and the ceiling. */
export function expiry(now: number, message: Envelope, ...ceilings: number[]): number {
  // A time to live of 0 means none to the clients.
  const ttl = Math.min(message.ttlMs || Number.POSITIVE_INFINITY, ...ceilings);
  return Number.isFinite(ttl) ? now + ttl : 0;
}
