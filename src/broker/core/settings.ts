import { durationMs } from '../durations.ts';
import { BrokerError } from '../errors.ts';
import type { QueueDescription, SubscriptionDescription, TopicDescription } from '../topology.ts';

const DEFAULT_LOCK = 'PT1M';
const DEFAULT_DELIVERIES = 10;
const DEFAULT_WINDOW = 'PT10M';
const DEFAULT_MEGABYTES = 1024;
/** The service allows no longer lock. */
const MAX_LOCK_MS = 5 * 60_000;

/** What a sender meets. */
export interface IntakeSettings {
  /** Infinity = messages live as long as they say. */
  ttlMs: number;
  /** 0 = duplicates are not detected. */
  duplicateWindowMs: number;
  maxBytes: number;
}

/** What a receiver meets. */
export interface QueueSettings {
  requiresSession: boolean;
  lockMs: number;
  maxDeliveryCount: number;
  ttlMs: number;
  deadLetterOnExpiry: boolean;
}

export function intakeSettings(of: QueueDescription | TopicDescription): IntakeSettings {
  const window = duration(of.name, of.duplicateDetectionHistoryTimeWindow ?? DEFAULT_WINDOW);
  return {
    ttlMs: ttl(of),
    duplicateWindowMs: of.requiresDuplicateDetection ? window : 0,
    maxBytes: (of.maxSizeInMegabytes ?? DEFAULT_MEGABYTES) * 1024 * 1024,
  };
}

export function queueSettings(of: QueueDescription | SubscriptionDescription): QueueSettings {
  const lockMs = duration(of.name, of.lockDuration ?? DEFAULT_LOCK);
  const maxDeliveryCount = of.maxDeliveryCount ?? DEFAULT_DELIVERIES;
  if (lockMs <= 0 || lockMs > MAX_LOCK_MS)
    throw invalid(of.name, `lockDuration ${of.lockDuration} is not within 5 minutes`);
  if (!Number.isInteger(maxDeliveryCount) || maxDeliveryCount < 1) {
    throw invalid(of.name, `maxDeliveryCount ${maxDeliveryCount} is not a whole number above 0`);
  }
  return {
    requiresSession: of.requiresSession ?? false,
    lockMs,
    maxDeliveryCount,
    ttlMs: ttl(of),
    deadLetterOnExpiry: of.deadLetteringOnMessageExpiration ?? false,
  };
}

/** A dead letter queue has no time to live, no sessions and no further dead letters. */
export function deadLetterSettings(of: QueueSettings): QueueSettings {
  return {
    requiresSession: false,
    lockMs: of.lockMs,
    maxDeliveryCount: Number.POSITIVE_INFINITY,
    ttlMs: Number.POSITIVE_INFINITY,
    deadLetterOnExpiry: false,
  };
}

function ttl(of: { name: string; defaultMessageTimeToLive?: string }): number {
  return of.defaultMessageTimeToLive === undefined
    ? Number.POSITIVE_INFINITY
    : duration(of.name, of.defaultMessageTimeToLive);
}

function duration(name: string, text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw invalid(name, `'${text}' is not an ISO 8601 duration such as PT1M`);
  return ms;
}

function invalid(name: string, why: string): BrokerError {
  return new BrokerError('BROKER_TOPOLOGY_INVALID', `Entity '${name}': ${why}.`, { entity: name });
}
