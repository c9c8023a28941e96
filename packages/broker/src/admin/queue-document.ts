// The description of a queue as XML, read and written; what queues, topics and subscriptions have in common stands here too,
// with how many messages they hold.
import { targetPath } from '../core/departures.ts';
import type { Queue } from '../core/queue.ts';
import { bytesOf } from '../core/queue-entity.ts';
import type { Schedule } from '../core/schedule.ts';
import { drawKey } from '../data-folder.ts';
import { FOREVER } from '../durations.ts';
import type { AccessRight, AuthorizationRule, QueueDescription } from '../topology.ts';
import { adminErrors } from './admin-errors.ts';
import { DEFAULTS, destination, flag, given, LIMITS, metadata, state, timespan, whole } from './fields.ts';
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

// SAS rules of an entity, as the administration API writes and reads them.

const RIGHTS: readonly AccessRight[] = ['Manage', 'Send', 'Listen'];
const MAX_RULES = 12;
const MAX_KEY_NAME = 256;

export function readAuthorizationRules(node: Node): AuthorizationRule[] | undefined {
  const list = node.child('AuthorizationRules');
  if (!list) return undefined;
  const rules = list.children('AuthorizationRule').map(readRule);
  if (rules.length > MAX_RULES) {
    throw adminErrors.badRequest(`An entity has at most ${MAX_RULES} authorization rules.`);
  }
  if (new Set(rules.map(({ keyName }) => keyName)).size < rules.length) {
    throw adminErrors.badRequest('Two authorization rules have the same key name.');
  }
  return rules;
}

function readRule(node: Node): AuthorizationRule {
  const keyName = node.text('KeyName') ?? '';
  if (keyName === '' || keyName.length > MAX_KEY_NAME) {
    throw adminErrors.badRequest(`A KeyName has 1 to ${MAX_KEY_NAME} characters.`);
  }
  const named = (node.child('Rights')?.children('AccessRights') ?? []).map((right) => right.content().trim());
  const rights = named.map((name) => {
    const right = RIGHTS.find((each) => each === name);
    if (!right) throw adminErrors.badRequest(`'${name}' is not one of the rights ${RIGHTS.join(', ')}.`);
    return right;
  });
  if (rights.length === 0) throw adminErrors.badRequest(`The rule '${keyName}' grants no rights.`);
  if (rights.includes('Manage') && new Set(rights).size < RIGHTS.length) {
    throw adminErrors.badRequest('Manage permission should also include Send and Listen.');
  }
  return given<AuthorizationRule>({
    keyName,
    rights,
    primaryKey: node.text('PrimaryKey') || drawKey(),
    secondaryKey: node.text('SecondaryKey') || drawKey(),
    createdTime: node.text('CreatedTime'),
    modifiedTime: node.text('ModifiedTime'),
  });
}

export function writeAuthorizationRules(rules: readonly AuthorizationRule[]): Element {
  if (rules.length === 0) return {};
  return {
    AuthorizationRule: rules.map((rule) => ({
      '@i:type': 'SharedAccessAuthorizationRule',
      ClaimType: 'SharedAccessKey',
      ClaimValue: 'None',
      Rights: { AccessRights: rule.rights.map((right) => ({ '#': right })) },
      CreatedTime: rule.createdTime,
      ModifiedTime: rule.modifiedTime,
      KeyName: rule.keyName,
      PrimaryKey: rule.primaryKey,
      SecondaryKey: rule.secondaryKey,
    })),
  };
}
