import { withApplicationProperties } from '../codec/edit.ts';
import type { Envelope } from '../codec/envelope.ts';
import type { MessageRow } from '../store/store.ts';
import type { RuleDescription } from '../topology.ts';
import type { Core } from './core.ts';
import { anyRuleMatches } from './filter.ts';
import { Intake } from './intake.ts';
import { reasons } from './outcome.ts';
import type { Destination, Placement } from './placing.ts';
import type { Queue } from './queue.ts';
import { expiry } from './queue-entity.ts';
import type { StoredMessage } from './records.ts';
import { Sequence } from './sequence.ts';
import type { IntakeSettings } from './settings.ts';

export interface Subscription {
  readonly queue: Queue;
  rules: RuleDescription[];
}

/** A topic: one copy for every subscription with a matching rule, none if no rule matches. */
export class Topic implements Destination {
  readonly id: number;
  readonly path: string;
  readonly sequence: Sequence;
  readonly intake: Intake;
  readonly subscriptions = new Map<string, Subscription>();

  constructor(core: Core, entity: { id: number; path: string; ceiling: number }, settings: IntakeSettings) {
    this.id = entity.id;
    this.path = entity.path;
    this.sequence = new Sequence(core, entity.id, entity.ceiling);
    this.intake = new Intake(core, this, settings);
  }

  get bytes(): number {
    let bytes = 0;
    for (const { queue } of this.subscriptions.values())
      bytes += queue.bytes + (queue.deadLetters?.bytes ?? 0);
    return bytes;
  }

  check(): void {}

  row(message: StoredMessage): MessageRow {
    return {
      entity: this.id,
      seq: message.seq,
      body: message.body,
      shared: message.shared,
      size: message.size,
      enqueuedAt: message.enqueuedAt,
      expiresAt: message.expiresAt,
      dueAt: message.dueAt,
      deliveryCount: message.deliveryCount,
      state: message.state,
      session: null,
      origin: message.origin,
      source: null,
    };
  }

  place(message: Envelope, now: number, origin: number): Placement[] {
    const first = origin || this.sequence.take();
    const placements: Placement[] = [];
    for (const { queue, rules } of this.subscriptions.values()) {
      if (!anyRuleMatches(rules, message)) continue;
      const { requiresSession, ttlMs } = queue.settings;
      const placement: Placement = {
        queue,
        seq: queue.sequence.take(),
        origin: first,
        expiresAt: expiry(now, message, this.intake.settings.ttlMs, ttlMs),
        sessionId: requiresSession ? message.sessionId : undefined,
        source: undefined,
      };
      placements.push(
        requiresSession && message.sessionId === undefined ? withoutSession(placement, message) : placement,
      );
    }
    return placements;
  }
}

/** A subscription cannot refuse what the topic took, so a message without a session ends in its dead letters. */
function withoutSession(placement: Placement, message: Envelope): Placement {
  const { deadLetters } = placement.queue;
  if (!deadLetters) return placement;
  const bytes = withApplicationProperties(message.bytes, reasons.noSession());
  return { ...placement, queue: deadLetters, expiresAt: 0, source: placement.queue.path, bytes };
}
