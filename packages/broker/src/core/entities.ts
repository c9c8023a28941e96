/** The entities as they work, made and changed as their descriptions say; Service Bus compares paths without case. */
import type { EntityRow } from '../store/store.ts';
import type { QueueDescription, SubscriptionDescription, TopicDescription } from '../topology.ts';
import type { Core } from './core.ts';
import { DEAD_LETTERS, entityKey as key, SUBSCRIPTIONS, TRANSFER_DEAD_LETTERS } from './plan.ts';
import { Queue } from './queue.ts';
import { QueueEntity } from './queue-entity.ts';
import { compileRule, DEFAULT_RULE } from './rules.ts';
import {
  deadLetterSettings,
  intakeSettings,
  type QueueSettings,
  queueSettings,
  transferSettings,
} from './settings.ts';
import { Topic } from './topic.ts';

export class Entities {
  readonly #core: Core;
  readonly #rows: ReadonlyMap<string, EntityRow>;
  readonly queues = new Map<string, QueueEntity>();
  readonly topics = new Map<string, Topic>();
  /** Everything that can be received from: queues, subscriptions and their dead letter queues. */
  readonly sources = new Map<string, Queue>();

  constructor(core: Core, rows: ReadonlyMap<string, EntityRow>) {
    this.#core = core;
    this.#rows = rows;
  }

  destination(path: string): QueueEntity | Topic | undefined {
    return this.queues.get(key(path)) ?? this.topics.get(key(path));
  }

  /** The topic that a subscription belongs to. */
  topicOf(path: string): Topic | undefined {
    const [topic] = splitSubscription(path);
    return topic === undefined ? undefined : this.topics.get(topic);
  }

  put(row: EntityRow, description: object): void {
    if (row.kind === 'queue') this.#putQueue(row, description as QueueDescription);
    else if (row.kind === 'topic') this.#putTopic(row, description as TopicDescription);
    else if (row.kind === 'subscription') this.#putSubscription(row, description as SubscriptionDescription);
  }

  /** Whatever still rings or arrives for it finds nothing. */
  forget(path: string): void {
    const name = key(path);
    this.sources.get(name)?.retire();
    this.destination(path)?.intake.retire();
    this.sources.delete(name);
    this.queues.delete(name);
    this.topics.delete(name);
    const [topic, subscription] = splitSubscription(path);
    if (topic !== undefined && subscription !== undefined)
      this.topics.get(topic)?.subscriptions.delete(subscription);
  }

  #putQueue(row: EntityRow, description: QueueDescription): void {
    const settings = intakeSettings(description);
    const queue = this.#putSource(row, description);
    const known = this.queues.get(key(row.path));
    if (known) known.intake.configure(settings);
    else this.queues.set(key(row.path), new QueueEntity(this.#core, queue, settings));
  }

  #putTopic(row: EntityRow, description: TopicDescription): void {
    const settings = intakeSettings(description);
    const known = this.topics.get(key(row.path));
    if (known) known.intake.configure(settings);
    else this.topics.set(key(row.path), new Topic(this.#core, row, settings));
  }

  #putSubscription(row: EntityRow, description: SubscriptionDescription): void {
    this.topicOf(row.path)?.subscriptions.set(key(description.name), {
      queue: this.#putSource(row, description),
      rules: (description.rules ?? [DEFAULT_RULE]).map(compileRule),
      deadLetterOnFilterError: description.deadLetteringOnFilterEvaluationExceptions ?? true,
    });
  }

  #putSource(row: EntityRow, description: QueueDescription | SubscriptionDescription): Queue {
    const settings = queueSettings(description);
    const known = this.sources.get(key(row.path));
    if (known) {
      known.configure(settings);
      known.deadLetters?.configure(deadLetterSettings(settings));
      known.transferDeadLetters?.configure(transferSettings(settings));
      return known;
    }
    const transferDeadLetters = this.#side(row.path + TRANSFER_DEAD_LETTERS, transferSettings(settings));
    const deadLetters = this.#side(
      row.path + DEAD_LETTERS,
      deadLetterSettings(settings),
      transferDeadLetters,
    );
    return this.#queue(row, settings, { deadLetters, transferDeadLetters });
  }

  #side(path: string, settings: QueueSettings, transferDeadLetters?: Queue): Queue {
    const row = this.#rows.get(key(path));
    if (!row) throw new Error(`the store has no ${path}`);
    return this.#queue(row, settings, { deadLetters: undefined, transferDeadLetters });
  }

  #queue(
    row: EntityRow,
    settings: QueueSettings,
    others: { deadLetters: Queue | undefined; transferDeadLetters: Queue | undefined },
  ): Queue {
    const queue = new Queue(this.#core, row, settings, (path) => this.destination(path)?.intake, others);
    this.sources.set(key(row.path), queue);
    return queue;
  }
}

/** In lower case; nothing for what is no subscription. */
function splitSubscription(path: string): [topic: string, subscription: string] | [] {
  const name = key(path);
  const at = name.indexOf(key(SUBSCRIPTIONS));
  return at < 0 ? [] : [name.slice(0, at), name.slice(at + SUBSCRIPTIONS.length)];
}
