/** Entities as the documents that the API shows of them. */
import type { Tier } from '../core/limits.ts';
import type { KeptEntity, Namespace } from '../core/namespace.ts';
import { SUBSCRIPTIONS } from '../core/plan.ts';
import type { Topic } from '../core/topic.ts';
import type { RuleDescription } from '../topology.ts';
import type { Resource, Site } from './atom.ts';
import { type Counts, countsOf, type Facts, writeQueue } from './queue-document.ts';
import { writeRule } from './rule-document.ts';
import { writeSubscription, writeTopic } from './topic-document.ts';

const KILOBYTE = 1024;

const NOTHING: Counts = {
  active: 0,
  deadLettered: 0,
  scheduled: 0,
  transferDeadLettered: 0,
  total: 0,
  bytes: 0,
};

export function resourceOf(namespace: Namespace, site: Site, entity: KeptEntity): Resource {
  const { path, kind, description } = entity;
  const times = timesOf(entity);
  const facts: Facts = {
    ...times,
    accessedAt: namespace.idle.usedAt(path),
    messageKilobytes: namespace.limits.defaultMessageBytes / KILOBYTE,
    host: site.host,
    apiVersion: site.apiVersion,
  };
  const queue = namespace.source(path);
  if (kind === 'topic') {
    const topic = namespace.topics.get(path.toLowerCase());
    const counts = {
      scheduled: topic?.intake.schedule.size ?? 0,
      bytes: topic?.bytes ?? 0,
      subscriptions: topic?.subscriptions.size ?? 0,
      ...filtersOf(topic),
    };
    const content = writeTopic(description, counts, facts);
    return { path, title: path, root: 'TopicDescription', content, ...times };
  }
  if (kind === 'subscription') {
    const counts = queue ? countsOf(queue) : NOTHING;
    const content = writeSubscription(description, counts, facts);
    return { path, title: lastPart(path), root: 'SubscriptionDescription', content, ...times };
  }
  const counts = queue ? countsOf(queue, namespace.queues.get(path.toLowerCase())?.intake.schedule) : NOTHING;
  const content = writeQueue(description, counts, facts);
  return { path, title: path, root: 'QueueDescription', content, ...times };
}

function filtersOf(topic: Topic | undefined): { sqlFilters: number; correlationFilters: number } {
  const rules = [...(topic?.subscriptions.values() ?? [])].flatMap((subscription) => subscription.rules);
  const correlationFilters = rules.filter(({ correlation }) => correlation).length;
  return { sqlFilters: rules.length - correlationFilters, correlationFilters };
}

export function ruleResource(subscription: KeptEntity, rule: RuleDescription): Resource {
  const times = timesOf(subscription);
  return {
    path: `${subscription.path}/Rules/${rule.name}`,
    title: rule.name,
    root: 'RuleDescription',
    content: writeRule(rule, times.createdAt),
    ...times,
  };
}

export function namespaceResource(site: Site, startedAt: number, tier: Tier): Resource {
  const at = new Date(startedAt).toISOString();
  const name = site.host.replace(/[.:].*$/, '');
  const content = {
    CreatedTime: at,
    MessagingSKU: tier === 'premium' ? 'Premium' : 'Standard',
    MessagingUnits: tier === 'premium' ? 1 : undefined,
    ModifiedTime: at,
    Name: name,
    NamespaceType: 'Messaging',
  };
  return {
    path: '$namespaceinfo',
    title: name,
    root: 'NamespaceInfo',
    content,
    createdAt: startedAt,
    modifiedAt: startedAt,
  };
}

export function subscriptionPath(topic: string, name: string): string {
  return topic + SUBSCRIPTIONS + name;
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function timesOf({ description }: KeptEntity): { createdAt: number; modifiedAt: number } {
  return description.times ?? { createdAt: 0, modifiedAt: 0 };
}
