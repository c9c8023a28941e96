// A subscription as the SubscriptionDescription of an ATOM entry, both ways.
import type { SubscriptionDescription } from '../topology.ts';
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
import { absolute, type Counts, countDetails, type Facts, idleTime } from './queue-document.ts';
import type { Element, Node } from './xml.ts';

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
