// What the description of an entity means: its durations and counts with their defaults, within what the service
// allows.
import { durationMs } from '../durations.ts';
import { BrokerError } from '../errors.ts';
import type {
  EntityState,
  QueueDescription,
  SubscriptionDescription,
  TopicDescription,
} from '../topology.ts';
import { targetPath } from './departures.ts';

const DEFAULT_LOCK = 'PT1M';
const DEFAULT_DELIVERIES = 10;
const DEFAULT_WINDOW = 'PT10M';
const DEFAULT_MEGABYTES = 1024;
/** The service deletes nothing sooner. */
const MIN_IDLE_MS = 5 * 60_000;
/** The service allows no longer lock. */
const MAX_LOCK_MS = 5 * 60_000;

/** What a sender meets. */
export interface IntakeSettings {
  /** Infinity = messages live as long as they say. */
  ttlMs: number;
  /** 0 = duplicates are not detected. */
  duplicateWindowMs: number;
  maxBytes: number;
  /** Undefined = the tier's default. */
  maxMessageBytes: number | undefined;
  /** Nothing may be sent. */
  disabled: boolean;
  partitioned: boolean;
}

/** What a receiver meets. */
export interface QueueSettings {
  requiresSession: boolean;
  lockMs: number;
  maxDeliveryCount: number;
  ttlMs: number;
  deadLetterOnExpiry: boolean;
  /** Nothing may be received. */
  disabled: boolean;
  /** Where every message goes at once. */
  forwardTo: string | undefined;
  forwardDeadLettersTo: string | undefined;
  /** It holds the dead letters of sessions. */
  afterSessions: boolean;
}

export function intakeSettings(of: QueueDescription | TopicDescription): IntakeSettings {
  const window = duration(of.name, of.duplicateDetectionHistoryTimeWindow ?? DEFAULT_WINDOW);
  return {
    ttlMs: ttl(of),
    duplicateWindowMs: of.requiresDuplicateDetection ? window : 0,
    maxBytes: (of.maxSizeInMegabytes ?? DEFAULT_MEGABYTES) * 1024 * 1024,
    maxMessageBytes: of.maxMessageSizeInKilobytes && of.maxMessageSizeInKilobytes * 1024,
    disabled: is(of.status, 'SendDisabled'),
    partitioned: of.enablePartitioning ?? false,
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
  const forwardTo = targetPath(of.forwardTo);
  return {
    requiresSession: of.requiresSession ?? false,
    lockMs,
    maxDeliveryCount,
    ttlMs: ttl(of),
    deadLetterOnExpiry: of.deadLetteringOnMessageExpiration ?? false,
    disabled: is(of.status, 'ReceiveDisabled'),
    forwardTo,
    forwardDeadLettersTo: targetPath(of.forwardDeadLetteredMessagesTo),
    afterSessions: false,
  };
}

function is(status: EntityState | undefined, half: EntityState): boolean {
  return status === 'Disabled' || status === half;
}

/** A dead letter queue has no time to live, no sessions and no further dead letters. */
export function deadLetterSettings(of: QueueSettings): QueueSettings {
  return {
    requiresSession: false,
    lockMs: of.lockMs,
    maxDeliveryCount: Number.POSITIVE_INFINITY,
    ttlMs: Number.POSITIVE_INFINITY,
    deadLetterOnExpiry: false,
    disabled: of.disabled,
    forwardTo: of.forwardDeadLettersTo,
    forwardDeadLettersTo: undefined,
    afterSessions: of.requiresSession,
  };
}

/** What could not be forwarded stays: it must not set out again. */
export function transferSettings(of: QueueSettings): QueueSettings {
  return { ...deadLetterSettings(of), forwardTo: undefined };
}

/** How long nobody may be connected before the entity is deleted; Infinity = it stays. */
export function idleMs(of: { name: string; autoDeleteOnIdle?: string; forwardTo?: string }): number {
  // What forwards is in use all the time.
  if (of.autoDeleteOnIdle === undefined || of.forwardTo !== undefined) return Number.POSITIVE_INFINITY;
  const ms = duration(of.name, of.autoDeleteOnIdle);
  if (ms < MIN_IDLE_MS) throw invalid(of.name, `autoDeleteOnIdle ${of.autoDeleteOnIdle} is under 5 minutes`);
  return ms;
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
