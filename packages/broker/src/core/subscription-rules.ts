/** Rules of a subscription as they are administered, over AMQP or HTTP. */
import { BrokerError, serviceErrors } from '../errors.ts';
import { SqlError } from '../sql/ast.ts';
import type { RuleDescription, SubscriptionDescription } from '../topology.ts';
import { entityKey, type Kept, type Plan, SUBSCRIPTIONS } from './plan.ts';
import { compileRule, DEFAULT_RULE } from './rules.ts';

/** What the rules of a subscription need of the namespace. */
export interface RuleHost {
  entity(path: string): { description: Kept<SubscriptionDescription> } | undefined;
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

  /** When the subscription was made, and the rules that came with it. */
  get createdAt(): number {
    return this.#namespace.entity(this.#path)?.description.times?.createdAt ?? 0;
  }

  /** The rules in the order of their names, as the service lists them. */
  list(): RuleDescription[] {
    const rules = this.#namespace.entity(this.#path)?.description.rules ?? [DEFAULT_RULE];
    return rules.toSorted((a, b) => (entityKey(a.name) < entityKey(b.name) ? -1 : 1));
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
