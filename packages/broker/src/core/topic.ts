// A topic: one copy for every subscription with a matching rule, none where no rule matches.
import { Envelope } from '../codec/envelope.ts';
import { withApplicationProperties } from '../codec/rewrite.ts';
import { EnvelopeView } from '../sql/message-view.ts';
import { type Core, Sequence } from './core.ts';
import { Intake } from './intake.ts';
import { headerRefusal } from './limits.ts';
import { reasons } from './outcome.ts';
import type { Destination, Numbers, Placement } from './placing.ts';
import type { Queue } from './queue.ts';
import { bytesOf, expiry } from './queue-entity.ts';
import { type Rule, selectCopies } from './rules.ts';
import type { IntakeSettings } from './settings.ts';

export interface Subscription {
  readonly queue: Queue;
  readonly rules: readonly Rule[];
  /** A message on which a rule fails becomes a dead letter instead of being lost. */
  readonly deadLetterOnFilterError: boolean;
}

/** A topic: copies for every subscription with a matching rule, none if no rule matches. */
export class Topic implements Destination {
  readonly id: number;
  readonly path: string;
  readonly sequence: Sequence;
  readonly intake: Intake;
  /** Links that receive from it, or from what belongs to it. */
  receivers = 0;
  readonly subscriptions = new Map<string, Subscription>();

  constructor(core: Core, entity: { id: number; path: string; ceiling: number }, settings: IntakeSettings) {
    this.id = entity.id;
    this.path = entity.path;
    this.sequence = new Sequence(core, entity.id, entity.ceiling);
    this.intake = new Intake(core, this, settings);
  }

  get bytes(): number {
    let bytes = this.intake.schedule.bytes;
    for (const { queue } of this.subscriptions.values()) bytes += bytesOf(queue);
    return bytes;
  }

  check(): void {}

  place(message: Envelope, now: number, { origin, own }: Numbers): Placement[] {
    const first = origin || own || this.sequence.take();
    const { ttlMs } = this.intake.settings;
    const view = new EnvelopeView(message, { now, sequenceNumber: first, ttlMs });
    const placements: Placement[] = [];
    for (const subscription of this.subscriptions.values()) {
      const { queue } = subscription;
      const selected = selectCopies(subscription.rules, view);
      if (selected.kind === 'failed') {
        if (!subscription.deadLetterOnFilterError) continue;
        const { deadLetters } = queue;
        const bytes = withApplicationProperties(message.bytes, reasons.filterFailed(selected.why));
        if (deadLetters) placements.push(deadLetter(deadLetters, queue, first, bytes));
        continue;
      }
      for (const bytes of selected.copies) placements.push(this.#copy(queue, message, bytes, now, first));
    }
    return placements;
  }

  /** `bytes` are a copy's own, changed by a rule's action. */
  #copy(queue: Queue, message: Envelope, bytes: Buffer | undefined, now: number, origin: number): Placement {
    const { requiresSession, ttlMs } = queue.settings;
    const copy = bytes ? new Envelope(bytes) : message;
    const { sessionId } = copy;
    const { deadLetters } = queue;
    if (bytes && deadLetters && headerRefusal(copy)) {
      const changed = withApplicationProperties(message.bytes, reasons.headerTooLarge());
      return deadLetter(deadLetters, queue, origin, changed);
    }
    // A subscription cannot refuse what the topic took, so a message without a session ends in its dead letters.
    if (requiresSession && sessionId === undefined && deadLetters) {
      const changed = withApplicationProperties(copy.bytes, reasons.noSession());
      return deadLetter(deadLetters, queue, origin, changed);
    }
    const placement: Placement = {
      queue,
      seq: queue.sequence.take(),
      origin,
      expiresAt: expiry(now, copy, this.intake.settings.ttlMs, ttlMs),
      sessionId: requiresSession ? sessionId : undefined,
      source: undefined,
    };
    return bytes ? { ...placement, bytes } : placement;
  }
}

function deadLetter(deadLetters: Queue, queue: Queue, origin: number, bytes: Buffer): Placement {
  const seq = queue.sequence.take();
  return { queue: deadLetters, seq, origin, expiresAt: 0, sessionId: undefined, source: queue.path, bytes };
}
