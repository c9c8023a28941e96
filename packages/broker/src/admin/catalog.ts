// The entities as an administrator sees them. Each change is durable before it is answered.
import { targetPath } from '../core/departures.ts';
import type { KeptEntity, Namespace } from '../core/namespace.ts';
import { DEFAULT_RULE } from '../core/rules.ts';
import type { SubscriptionRules } from '../core/subscription-rules.ts';
import { BrokerError, ServiceError } from '../errors.ts';
import type { Forwarding, RuleDescription, SubscriptionDescription } from '../topology.ts';
import type { Access } from './access.ts';
import { checkName, checkPath } from './address.ts';
import { adminErrors } from './admin-errors.ts';
import { checkForwarding, checkMessageSize, checkRule, checkUnchanged } from './checks.ts';
import { DEFAULTS } from './fields.ts';
import { readQueue } from './queue-document.ts';
import { subscriptionPath } from './resources.ts';
import { readRule } from './rule-document.ts';
import { readSubscription, readTopic } from './topic-document.ts';
import type { Node } from './xml.ts';

const PARTITIONS = 16;

/** Finds, creates, changes and removes entities. */
export class Catalog {
  readonly #namespace: Namespace;
  readonly #access: Access;

  constructor(namespace: Namespace, access: Access) {
    this.#access = access;
    this.#namespace = namespace;
  }

  /** A queue or a topic. */
  entity(path: string): KeptEntity | undefined {
    const found = this.#namespace.entity(path);
    return found?.kind === 'queue' || found?.kind === 'topic' ? found : undefined;
  }

  subscription(topic: string, name: string): KeptEntity | undefined {
    const found = this.#namespace.entity(subscriptionPath(topic, name));
    return found?.kind === 'subscription' ? found : undefined;
  }

  /** Under a topic only its own. In the order of their names. */
  list(kind: KeptEntity['kind'], topic?: string): KeptEntity[] {
    const prefix = topic === undefined ? '' : subscriptionPath(topic, '').toLowerCase();
    return [...this.#namespace.entities()]
      .filter((entity) => entity.kind === kind && entity.path.toLowerCase().startsWith(prefix))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  rules(subscription: KeptEntity): RuleDescription[] {
    return this.#rulesOf(subscription).list();
  }

  rule(subscription: KeptEntity, name: string): RuleDescription | undefined {
    return this.#rulesOf(subscription).get(name);
  }

  /** The document says whether it is a queue or a topic. */
  putEntity(path: string, document: Node, update: boolean): KeptEntity {
    const [queue, topic] = [document.child('QueueDescription'), document.child('TopicDescription')];
    checkPath(path);
    const kind = queue ? 'queue' : 'topic';
    const known = this.#known(this.entity(path), path, update);
    if (known && known.kind !== kind) throw adminErrors.badRequest(`'${path}' is a ${known.kind}.`);
    if (queue) {
      const wanted = readQueue(known?.path ?? path, queue);
      const described = known ? checkUnchanged('Queue', known.description, wanted) : partitioned(wanted);
      this.#checkForwarding(path, described, known?.description);
      checkMessageSize(this.#namespace, described.maxMessageSizeInKilobytes);
      this.#change((plan) => plan.queue(described));
    } else if (topic) {
      const wanted = readTopic(known?.path ?? path, topic);
      const described = known ? checkUnchanged('Topic', known.description, wanted) : partitioned(wanted);
      checkMessageSize(this.#namespace, described.maxMessageSizeInKilobytes);
      this.#change((plan) => plan.topic(described));
    } else {
      throw adminErrors.badRequest('The content describes neither a queue nor a topic.');
    }
    return this.#found(this.entity(path), path);
  }

  putSubscription(topic: string, name: string, document: Node, update: boolean): KeptEntity {
    const path = subscriptionPath(topic, name);
    checkName(name);
    const parent = this.#topic(topic);
    const known = this.#known(this.subscription(topic, name), path, update);
    const content = document.child('SubscriptionDescription');
    if (!content) throw adminErrors.badRequest('The content does not describe a subscription.');
    const wanted = readSubscription(known?.description.name ?? name, content);
    const described: SubscriptionDescription = known
      ? { ...checkUnchanged('Subscription', known.description, wanted), rules: this.rules(known) }
      : { ...wanted, rules: [this.#firstRule(content)] };
    this.#checkForwarding(path, described, known?.description);
    this.#change((plan) => plan.subscription(parent.path, described));
    return this.#found(this.subscription(topic, name), path);
  }

  putRule(subscription: KeptEntity, name: string, document: Node, update: boolean): RuleDescription {
    checkName(name);
    const content = document.child('RuleDescription');
    if (!content) throw adminErrors.badRequest('The content does not describe a rule.');
    const rules = this.#rulesOf(subscription);
    const known = this.#known(rules.get(name), `${subscription.path}/Rules/${name}`, update);
    const rule = readRule(known?.name ?? name, content);
    asAdmin(() => (known ? rules.replace(rule) : rules.add(rule)));
    return rules.get(name) ?? rule;
  }

  remove(path: string): void {
    this.#namespace.remove(path);
  }

  removeRule(subscription: KeptEntity, name: string): void {
    asAdmin(() => this.#rulesOf(subscription).remove(name));
  }

  /** Manage is needed where messages are to go from now on. */
  #checkForwarding(path: string, described: Forwarding, known: Forwarding | undefined): void {
    checkForwarding(this.#namespace, path, described);
    const [before, after] = [known ?? {}, described].map(destinationsOf);
    for (const target of after ?? []) {
      if (!before?.includes(target) && !this.#access.mayManage(target)) {
        throw adminErrors.unauthorized(`Manage claim(s) are required on the destination '${target}'.`);
      }
    }
  }

  #rulesOf({ path }: KeptEntity): SubscriptionRules {
    const rules = this.#namespace.rulesOf(path);
    if (!rules) throw adminErrors.notFound(path);
    return rules;
  }

  #firstRule(content: Node): RuleDescription {
    const given = content.child('DefaultRuleDescription');
    if (!given) return DEFAULT_RULE;
    const rule = readRule(given.text('Name') || DEFAULT_RULE.name, given);
    checkName(rule.name);
    checkRule(rule);
    return rule;
  }

  #topic(path: string): KeptEntity {
    const found = this.entity(path);
    if (found?.kind !== 'topic') throw adminErrors.notFound(path);
    return found;
  }

  /** Gives what is there already. An update needs it; a creation must not find it. */
  #known<T>(found: T | undefined, path: string, update: boolean): T | undefined {
    if (update && !found) throw adminErrors.notFound(path);
    if (!update && found) throw adminErrors.exists(path);
    return found;
  }

  #found(entity: KeptEntity | undefined, path: string): KeptEntity {
    if (!entity) throw adminErrors.notFound(path);
    return entity;
  }

  #change(describe: Parameters<Namespace['change']>[0]): void {
    try {
      this.#namespace.change(describe);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      if (error.code === 'BROKER_STORE_FULL' || error.details['limit'] !== undefined)
        throw adminErrors.quotaExceeded(error.message);
      throw adminErrors.badRequest(error.message);
    }
  }
}

function destinationsOf({ forwardTo, forwardDeadLetteredMessagesTo }: Forwarding): string[] {
  return [forwardTo, forwardDeadLetteredMessagesTo].flatMap(
    (address) => targetPath(address)?.toLowerCase() ?? [],
  );
}

/** A partitioned entity has 16 partitions, each of the size that was asked for; what comes back is their sum. */
function partitioned<D extends { enablePartitioning?: boolean; maxSizeInMegabytes?: number }>(wanted: D): D {
  if (!wanted.enablePartitioning) return wanted;
  return { ...wanted, maxSizeInMegabytes: (wanted.maxSizeInMegabytes ?? DEFAULTS.megabytes) * PARTITIONS };
}

/** What the core refuses over AMQP as well, in the words of HTTP. */
function asAdmin(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (error.status === 404) throw adminErrors.notFound(error.message);
    if (error.status === 403) throw adminErrors.quotaExceeded(error.message);
    throw adminErrors.badRequest(error.message);
  }
}
