// A change of the entities as the rows that it would write: checked as a whole, so that a refusal leaves nothing half done.
import { BrokerError } from '../errors.ts';
import type { EntityRow } from '../store/store.ts';
import type { QueueDescription, SubscriptionDescription, TopicDescription } from '../topology.ts';
import { checkRules } from './rules.ts';
import { idleMs, intakeSettings, queueSettings } from './settings.ts';

export const DEAD_LETTERS = '/$DeadLetterQueue';
/** The queue of messages that could not be forwarded. */
export const TRANSFER_DEAD_LETTERS = '/$Transfer/$DeadLetterQueue';
export const SUBSCRIPTIONS = '/Subscriptions/';
const MAX_NAME = 260;
const MAX_SUBSCRIPTION_NAME = 50;

/** When an entity came to be and was last changed, in milliseconds; kept beside its description. */
export interface Times {
  createdAt: number;
  modifiedAt: number;
}

/** A description as the store keeps it. */
export type Kept<Description> = Description & { times?: Times };

/** The rows that a change of the topology would write; throws before anything is written if one cannot be. */
export class Plan {
  readonly #known: ReadonlyMap<string, EntityRow>;
  readonly #rows = new Map<string, EntityRow>();
  readonly #now: number;
  #lastId: number;

  constructor(known: ReadonlyMap<string, EntityRow>, lastId: number, now: number) {
    this.#known = known;
    this.#lastId = lastId;
    this.#now = now;
  }

  rows(): EntityRow[] {
    for (const { path, kind, description } of this.#rows.values()) {
      if (kind !== 'queue' && kind !== 'subscription') continue;
      const { forwardTo, forwardDeadLettersTo } = queueSettings(JSON.parse(description));
      for (const target of [forwardTo, forwardDeadLettersTo]) this.#checkTarget(path, target);
      if (forwardDeadLettersTo !== undefined && entityKey(forwardDeadLettersTo) === entityKey(path))
        throw invalid(path, 'its dead letters cannot be forwarded to itself');
    }
    return [...this.#rows.values()];
  }

  queue(queue: QueueDescription): void {
    checkLength(queue.name, queue.name, MAX_NAME);
    intakeSettings(queue);
    idleMs(queue);
    this.#source(queue.name, 'queue', this.#withKept(queue.name, queue, 'authorizationRules'));
  }

  topic(topic: Omit<TopicDescription, 'subscriptions'>): void {
    checkLength(topic.name, topic.name, MAX_NAME);
    intakeSettings(topic);
    idleMs(topic);
    this.#entity(topic.name, 'topic', this.#withKept(topic.name, topic, 'authorizationRules'));
  }

  subscription(topic: string, subscription: SubscriptionDescription): void {
    const path = topic + SUBSCRIPTIONS + subscription.name;
    checkLength(path, subscription.name, MAX_SUBSCRIPTION_NAME);
    idleMs(subscription);
    const wrong = checkRules(subscription.rules ?? []);
    if (wrong) throw invalid(path, wrong);
    this.#source(path, 'subscription', this.#withKept(path, subscription, 'rules'));
  }

  /** Keeps what is administered beside the description, unless the description mentions it. */
  #withKept<D extends object>(path: string, description: D, name: keyof D): D {
    const known = this.#row(path);
    const kept = known && (JSON.parse(known.description) as D)[name];
    return description[name] === undefined && kept !== undefined
      ? { ...description, [name]: kept }
      : description;
  }

  #source(path: string, kind: EntityRow['kind'], of: QueueDescription | SubscriptionDescription): void {
    const { requiresSession } = queueSettings(of);
    const known = this.#row(path);
    if (known && queueSettings(JSON.parse(known.description)).requiresSession !== requiresSession) {
      throw invalid(path, 'requiresSession cannot be changed once it exists');
    }
    this.#entity(path, kind, of);
    this.#entity(path + DEAD_LETTERS, 'dead-letter', {});
    this.#entity(path + TRANSFER_DEAD_LETTERS, 'dead-letter', {});
  }

  #entity(path: string, kind: EntityRow['kind'], description: object): void {
    const known = this.#row(path);
    if (known && known.kind !== kind) throw invalid(path, `it exists already as a ${known.kind}`);
    const { times, ...kept } = (known ? JSON.parse(known.description) : {}) as Kept<object>;
    if (known && JSON.stringify(kept) === JSON.stringify(description)) return;
    if (!known) this.#lastId += 1;
    const changed: Times = { createdAt: times?.createdAt ?? this.#now, modifiedAt: this.#now };
    this.#rows.set(entityKey(path), {
      id: this.#lastId,
      path,
      kind,
      ceiling: 1,
      ...known,
      description: JSON.stringify({ ...description, times: changed }),
    });
  }

  /** The destination has to exist; a change that does not speak of it may find that it has gone since. */
  #checkTarget(path: string, target: string | undefined): void {
    if (target === undefined) return;
    const kind = this.#row(target)?.kind;
    if (kind !== 'queue' && kind !== 'topic') {
      throw invalid(path, `there is no queue or topic '${target}' to forward to`);
    }
  }

  #row(path: string): EntityRow | undefined {
    return this.#rows.get(entityKey(path)) ?? this.#known.get(entityKey(path));
  }
}

/** Service Bus compares paths without case. */
export function entityKey(path: string): string {
  return path.toLowerCase();
}

/** Dead letters and subscriptions go with what they belong to; `a/b` is no part of `a`. Both in lower case. */
export function isWithin(path: string, removed: string): boolean {
  if (path === removed) return true;
  return path.startsWith(`${removed}/$`) || path.startsWith(removed + entityKey(SUBSCRIPTIONS));
}

function checkLength(path: string, name: string, max: number): void {
  if (name === '' || name.length > max) throw invalid(path, `its name has not 1 to ${max} characters`);
}

function invalid(entity: string, why: string): BrokerError {
  return new BrokerError('BROKER_TOPOLOGY_INVALID', `Entity '${entity}': ${why}.`, { entity });
}
