// Topics and subscriptions as the descriptions of an ATOM entry, both ways.

import { FOREVER } from '../durations.ts';
import type { SubscriptionDescription, TopicDescription } from '../topology.ts';
import { DEFAULTS, destination, flag, given, LIMITS, metadata, state, timespan, whole } from './fields.ts';
import {
  absolute,
  accessed,
  type Counts,
  countDetails,
  type Facts,
  idleTime,
  messageSize,
  readAuthorizationRules,
  writeAuthorizationRules,
} from './queue-document.ts';
import type { Element, Node } from './xml.ts';

/** The first version of the API that tells them. */
const FILTERS_COUNTED = '2024-05';

interface TopicCounts {
  readonly scheduled: number;
  readonly bytes: number;
  readonly subscriptions: number;
  /** Over all subscriptions; the filter that is always true is one of SQL. */
  readonly sqlFilters: number;
  readonly correlationFilters: number;
}

export function readTopic(name: string, node: Node): TopicDescription {
  return given<TopicDescription>({
    name,
    defaultMessageTimeToLive: timespan(
      'DefaultMessageTimeToLive',
      node.text('DefaultMessageTimeToLive'),
      ...LIMITS.timeToLiveMs,
    ),
    maxSizeInMegabytes: whole(node, 'MaxSizeInMegabytes', ...LIMITS.megabytes),
    requiresDuplicateDetection: flag(node, 'RequiresDuplicateDetection'),
    duplicateDetectionHistoryTimeWindow: timespan(
      'DuplicateDetectionHistoryTimeWindow',
      node.text('DuplicateDetectionHistoryTimeWindow'),
      ...LIMITS.duplicateWindowMs,
    ),
    enableBatchedOperations: flag(node, 'EnableBatchedOperations'),
    authorizationRules: readAuthorizationRules(node),
    status: state(node),
    userMetadata: metadata(node),
    supportOrdering: flag(node, 'SupportOrdering'),
    autoDeleteOnIdle: timespan('AutoDeleteOnIdle', node.text('AutoDeleteOnIdle'), ...LIMITS.autoDeleteMs),
    enablePartitioning: flag(node, 'EnablePartitioning'),
    enableExpress: flag(node, 'EnableExpress'),
    maxMessageSizeInKilobytes: whole(node, 'MaxMessageSizeInKilobytes', ...LIMITS.kilobytes),
  });
}

export function writeTopic(topic: TopicDescription, counts: TopicCounts, facts: Facts): Element {
  const created = new Date(facts.createdAt).toISOString();
  const modified = new Date(facts.modifiedAt).toISOString();
  return {
    DefaultMessageTimeToLive: topic.defaultMessageTimeToLive ?? FOREVER,
    MaxSizeInMegabytes: topic.maxSizeInMegabytes ?? DEFAULTS.megabytes,
    RequiresDuplicateDetection: topic.requiresDuplicateDetection ?? false,
    DuplicateDetectionHistoryTimeWindow:
      topic.duplicateDetectionHistoryTimeWindow ?? DEFAULTS.duplicateWindow,
    EnableBatchedOperations: topic.enableBatchedOperations ?? true,
    SizeInBytes: counts.bytes,
    FilteringMessagesBeforePublishing: false,
    IsAnonymousAccessible: false,
    AuthorizationRules: writeAuthorizationRules(topic.authorizationRules ?? []),
    Status: topic.status ?? 'Active',
    UserMetadata: topic.userMetadata,
    CreatedAt: created,
    UpdatedAt: modified,
    AccessedAt: accessed(facts),
    SupportOrdering: topic.supportOrdering ?? !topic.enablePartitioning,
    CountDetails: countDetails({
      active: 0,
      deadLettered: 0,
      scheduled: counts.scheduled,
      transferDeadLettered: 0,
    }),
    SubscriptionCount: counts.subscriptions,
    SqlFilterCount: facts.apiVersion < FILTERS_COUNTED ? undefined : counts.sqlFilters,
    CorrelationFilterCount: facts.apiVersion < FILTERS_COUNTED ? undefined : counts.correlationFilters,
    AutoDeleteOnIdle: topic.autoDeleteOnIdle ?? FOREVER,
    EnablePartitioning: topic.enablePartitioning ?? false,
    EntityAvailabilityStatus: 'Available',
    EnableSubscriptionPartitioning: false,
    EnableExpress: topic.enableExpress ?? false,
    MaxMessageSizeInKilobytes: messageSize(topic.maxMessageSizeInKilobytes, facts),
  };
}

export function readSubscription(name: string, node: Node): SubscriptionDescription {
  return given<SubscriptionDescription>({
    name,
    lockDuration: timespan('LockDuration', node.text('LockDuration'), ...LIMITS.lockMs),
    requiresSession: flag(node, 'RequiresSession'),
    defaultMessageTimeToLive: timespan(
      'DefaultMessageTimeToLive',
      node.text('DefaultMessageTimeToLive'),
      ...LIMITS.timeToLiveMs,
    ),
    deadLetteringOnMessageExpiration: flag(node, 'DeadLetteringOnMessageExpiration'),
    deadLetteringOnFilterEvaluationExceptions: flag(node, 'DeadLetteringOnFilterEvaluationExceptions'),
    maxDeliveryCount: whole(node, 'MaxDeliveryCount', ...LIMITS.deliveries),
    enableBatchedOperations: flag(node, 'EnableBatchedOperations'),
    status: state(node),
    forwardTo: destination(node, 'ForwardTo'),
    userMetadata: metadata(node),
    forwardDeadLetteredMessagesTo: destination(node, 'ForwardDeadLetteredMessagesTo'),
    autoDeleteOnIdle: timespan('AutoDeleteOnIdle', node.text('AutoDeleteOnIdle'), ...LIMITS.autoDeleteMs),
  });
}

export function writeSubscription(
  subscription: SubscriptionDescription,
  counts: Counts,
  facts: Facts,
): Element {
  const created = new Date(facts.createdAt).toISOString();
  const modified = new Date(facts.modifiedAt).toISOString();
  return {
    LockDuration: subscription.lockDuration ?? DEFAULTS.lockDuration,
    RequiresSession: subscription.requiresSession ?? false,
    DefaultMessageTimeToLive: subscription.defaultMessageTimeToLive ?? FOREVER,
    DeadLetteringOnMessageExpiration: subscription.deadLetteringOnMessageExpiration ?? false,
    DeadLetteringOnFilterEvaluationExceptions: subscription.deadLetteringOnFilterEvaluationExceptions ?? true,
    MessageCount: counts.total,
    MaxDeliveryCount: subscription.maxDeliveryCount ?? DEFAULTS.deliveries,
    EnableBatchedOperations: subscription.enableBatchedOperations ?? true,
    Status: subscription.status ?? 'Active',
    ForwardTo: absolute(facts.host, subscription.forwardTo),
    CreatedAt: created,
    UpdatedAt: modified,
    AccessedAt: new Date(facts.accessedAt ?? facts.modifiedAt).toISOString(),
    CountDetails: countDetails(counts),
    UserMetadata: subscription.userMetadata,
    AutoDeleteOnIdle: idleTime(subscription),
    EntityAvailabilityStatus: 'Available',
    ForwardDeadLetteredMessagesTo: absolute(facts.host, subscription.forwardDeadLetteredMessagesTo),
  };
}
