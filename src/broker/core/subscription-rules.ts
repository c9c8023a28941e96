/** Rules of a subscription as they are administered, over AMQP or HTTP. */
import { BrokerError, serviceErrors } from '../errors.ts';
import { SqlError } from '../sql/ast.ts';
import type { RuleDescription, SubscriptionDescription } from '../topology.ts';
import { entityKey, type Kept, type Plan, SUBSCRIPTIONS } from './plan.ts';
import { compileRule, DEFAULT_RULE, type Rule } from './rules.ts';

/** Limits of a topic, over all of its subscriptions. */
const MAX_SQL_FILTERS = 2000;
const MAX_CORRELATION_FILTERS = 100_000;

/** What the rules of a subscription need of the namespace. */
export interface RuleHost {
  entity(path: string): { description: Kept<SubscriptionDescription> } | undefined;
  topicOf(path: string): { subscriptions: Map<string, { rules: readonly Rule[] }> } | undefined;
  change(describe: (plan: Plan) => void): void;
}

export class SubscriptionRules {
  readonly #namespace: RuleHost;
  readonly #path: string;
  readonly #now: () => number;

  constructor(namespace: RuleHost, path: string, now: () => number) {
    this.#namespace = namespace;
    this.#path = path;
    this.#now = now;
  }

  list(): RuleDescription[] {
    return this.#namespace.entity(this.#path)?.description.rules ?? [DEFAULT_RULE];
  }

  get(name: string): RuleDescription | undefined {
    return this.list().find((rule) => entityKey(rule.name) === entityKey(name));
  }

  /** Throws a ServiceError. */
  add(rule: RuleDescription): void {
    checkRule(rule);
    if (this.get(rule.name)) {
      throw serviceErrors.alreadyExists(`sb://localhost/${this.#path}/Rules/${rule.name}`);
    }
    this.#checkLimits(rule);
    this.#store([...this.list(), { ...rule, createdAt: new Date(this.#now()).toISOString() }]);
  }

  replace(rule: RuleDescription): void {
    checkRule(rule);
    const { createdAt } = this.#known(rule.name);
    const kept = createdAt === undefined ? rule : { ...rule, createdAt };
    this.#store(this.list().map((each) => (entityKey(each.name) === entityKey(rule.name) ? kept : each)));
  }

  remove(name: string): void {
    this.#known(name);
    this.#store(this.list().filter((rule) => entityKey(rule.name) !== entityKey(name)));
  }

  #known(name: string): RuleDescription {
    const rule = this.get(name);
    if (!rule) throw serviceErrors.entityNotFound(`sb://localhost/${this.#path}/Rules/${name}`);
    return rule;
  }

  #checkLimits({ filter }: RuleDescription): void {
    const correlation = filter.kind === 'correlation';
    const limit = correlation ? MAX_CORRELATION_FILTERS : MAX_SQL_FILTERS;
    let count = 0;
    for (const subscription of this.#namespace.topicOf(this.#path)?.subscriptions.values() ?? []) {
      for (const rule of subscription.rules) if (rule.correlation === correlation) count += 1;
    }
    if (count >= limit) throw serviceErrors.quotaExceeded(`A topic has at most ${limit} such filters.`);
  }

  #store(rules: RuleDescription[]): void {
    const entity = this.#namespace.entity(this.#path);
    const [topic] = this.#path.split(SUBSCRIPTIONS);
    if (!entity || topic === undefined) throw serviceErrors.entityNotFound(`sb://localhost/${this.#path}`);
    const { times: _, ...description } = entity.description;
    try {
      this.#namespace.change((plan) => plan.subscription(topic, { ...description, rules }));
    } catch (error) {
      throw error instanceof BrokerError ? serviceErrors.quotaExceeded(error.message) : error;
    }
  }
}

function checkRule(rule: RuleDescription): void {
  try {
    compileRule(rule);
  } catch (error) {
    throw error instanceof SqlError ? serviceErrors.invalid(error.message) : error;
  }
}
