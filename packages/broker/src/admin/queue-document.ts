// The description of a queue as XML, read and written; what queues, topics and subscriptions have in common stands here too,
// with how many messages they hold.
import { targetPath } from '../core/forwarding.ts';
import type { Queue } from '../core/queue.ts';
import { bytesOf } from '../core/queue-entity.ts';
import type { Schedule } from '../core/schedule.ts';
import type { QueueDescription } from '../topology.ts';
import { readAuthorizationRules, writeAuthorizationRules } from './authorization-rules.ts';
import {
  DEFAULTS,
  destination,
  FOREVER,
  flag,
  given,
  LIMITS,
  metadata,
  state,
  timespan,
  whole,
} from './fields.ts';
import type { Element, Node } from './xml.ts';

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

/** What every document says of its entity besides the description. */
export interface Facts {
  readonly createdAt: number;
  readonly modifiedAt: number;
  /** When somebody was last connected. */
  readonly accessedAt: number | undefined;
  /** What an entity takes that does not say. */
  readonly messageKilobytes: number;
  /** How the client calls the broker, for absolute addresses. */
  readonly host: string;
  /** The older version of the API knows fewer fields. */
  readonly apiVersion: string;
}

export function readQueue(name: string, node: Node): QueueDescription {
  return given<QueueDescription>({
    name,
    lockDuration: timespan('LockDuration', node.text('LockDuration'), ...LIMITS.lockMs),
    maxSizeInMegabytes: whole(node, 'MaxSizeInMegabytes', ...LIMITS.megabytes),
    requiresDuplicateDetection: flag(node, 'RequiresDuplicateDetection'),
    requiresSession: flag(node, 'RequiresSession'),
    defaultMessageTimeToLive: timespan(
      'DefaultMessageTimeToLive',
      node.text('DefaultMessageTimeToLive'),
      ...LIMITS.timeToLiveMs,
    ),
    deadLetteringOnMessageExpiration: flag(node, 'DeadLetteringOnMessageExpiration'),
    duplicateDetectionHistoryTimeWindow: timespan(
      'DuplicateDetectionHistoryTimeWindow',
      node.text('DuplicateDetectionHistoryTimeWindow'),
      ...LIMITS.duplicateWindowMs,
    ),
    maxDeliveryCount: whole(node, 'MaxDeliveryCount', ...LIMITS.deliveries),
    enableBatchedOperations: flag(node, 'EnableBatchedOperations'),
    authorizationRules: readAuthorizationRules(node),
    status: state(node),
    forwardTo: destination(node, 'ForwardTo'),
    userMetadata: metadata(node),
    autoDeleteOnIdle: timespan('AutoDeleteOnIdle', node.text('AutoDeleteOnIdle'), ...LIMITS.autoDeleteMs),
    enablePartitioning: flag(node, 'EnablePartitioning'),
    forwardDeadLetteredMessagesTo: destination(node, 'ForwardDeadLetteredMessagesTo'),
    enableExpress: flag(node, 'EnableExpress'),
    maxMessageSizeInKilobytes: whole(node, 'MaxMessageSizeInKilobytes', ...LIMITS.kilobytes),
  });
}

export function writeQueue(queue: QueueDescription, counts: Counts, facts: Facts): Element {
  const created = new Date(facts.createdAt).toISOString();
  const modified = new Date(facts.modifiedAt).toISOString();
  return {
    LockDuration: queue.lockDuration ?? DEFAULTS.lockDuration,
    MaxSizeInMegabytes: queue.maxSizeInMegabytes ?? DEFAULTS.megabytes,
    RequiresDuplicateDetection: queue.requiresDuplicateDetection ?? false,
    RequiresSession: queue.requiresSession ?? false,
    DefaultMessageTimeToLive: queue.defaultMessageTimeToLive ?? FOREVER,
    DeadLetteringOnMessageExpiration: queue.deadLetteringOnMessageExpiration ?? false,
    DuplicateDetectionHistoryTimeWindow:
      queue.duplicateDetectionHistoryTimeWindow ?? DEFAULTS.duplicateWindow,
    MaxDeliveryCount: queue.maxDeliveryCount ?? DEFAULTS.deliveries,
    EnableBatchedOperations: queue.enableBatchedOperations ?? true,
    SizeInBytes: counts.bytes,
    MessageCount: counts.total,
    IsAnonymousAccessible: false,
    AuthorizationRules: writeAuthorizationRules(queue.authorizationRules ?? []),
    Status: queue.status ?? 'Active',
    ForwardTo: absolute(facts.host, queue.forwardTo),
    UserMetadata: queue.userMetadata,
    CreatedAt: created,
    UpdatedAt: modified,
    AccessedAt: accessed(facts),
    SupportOrdering: !queue.enablePartitioning,
    CountDetails: countDetails(counts),
    AutoDeleteOnIdle: idleTime(queue),
    EnablePartitioning: queue.enablePartitioning ?? false,
    EntityAvailabilityStatus: 'Available',
    EnableExpress: queue.enableExpress ?? false,
    MaxMessageSizeInKilobytes: messageSize(queue.maxMessageSizeInKilobytes, facts),
    ForwardDeadLetteredMessagesTo: absolute(facts.host, queue.forwardDeadLetteredMessagesTo),
  };
}

/** In the scheme that the client used, and as URLs are written: some compare it with what they sent. */
export function absolute(host: string, entity: string | undefined): string | undefined {
  if (entity === undefined) return undefined;
  const [, scheme] = /^([a-z]+):/i.exec(entity) ?? [];
  return `${(scheme ?? 'sb').toLowerCase()}://${host.toLowerCase()}/${targetPath(entity)}`;
}

/** A queue or topic that nobody has used yet was accessed in the year 1, .NET's first. */
export function accessed({ accessedAt }: Facts): string {
  return accessedAt === undefined ? '0001-01-01T00:00:00' : new Date(accessedAt).toISOString();
}

/** What forwards is never idle. */
export function idleTime({
  autoDeleteOnIdle,
  forwardTo,
}: {
  autoDeleteOnIdle?: string;
  forwardTo?: string;
}): string {
  return forwardTo === undefined ? (autoDeleteOnIdle ?? FOREVER) : FOREVER;
}

/** Unknown before 2021-05. */
export function messageSize(
  kilobytes: number | undefined,
  { apiVersion, messageKilobytes }: Facts,
): number | undefined {
  return apiVersion < '2021-05' ? undefined : (kilobytes ?? messageKilobytes);
}
