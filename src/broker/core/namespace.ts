import { BrokerError } from '../errors.ts';
import { type EntityRow, StoreFullError } from '../store/store.ts';
import type { QueueDescription, SubscriptionDescription, TopicDescription, Topology } from '../topology.ts';
import type { Core } from './core.ts';
import { Queue } from './queue.ts';
import { QueueEntity } from './queue-entity.ts';
import { deadLetterSettings, intakeSettings, queueSettings } from './settings.ts';
import { Topic } from './topic.ts';

const DEAD_LETTERS = '/$DeadLetterQueue';
const SUBSCRIPTIONS = '/Subscriptions/';
const MAX_NAME = 260;

/** The entities, by path; Service Bus compares paths without case. */
export class Namespace {
  readonly #core: Core;
  readonly #rows = new Map<string, EntityRow>();
  readonly queues = new Map<string, QueueEntity>();
  readonly topics = new Map<string, Topic>();
  /** Everything that can be received from: queues, subscriptions and their dead letter queues. */
  readonly sources = new Map<string, Queue>();
  #lastId = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#apply(core.store.entities());
  }

  destination(path: string): QueueEntity | Topic | undefined {
    return this.queues.get(key(path)) ?? this.topics.get(key(path));
  }

  source(path: string): Queue | undefined {
    return this.sources.get(key(path));
  }

  /** Creates what is missing and updates what is there, all of it or nothing; never removes. */
  declare(topology: Topology): void {
    const rows = this.#plan(topology);
    try {
      this.#core.store.transaction(() => {
        for (const row of rows) this.#core.store.putEntity(row);
      });
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error;
      throw new BrokerError(
        'BROKER_STORE_FULL',
        'The broker has reached its size limit; no entity can be added.',
      );
    }
    this.#apply(rows);
  }

  /** The rows that would change; throws before anything does if one cannot be. */
  #plan({ queues, topics }: Topology): EntityRow[] {
    const planned = new Map<string, EntityRow>();
    let lastId = this.#lastId;
    const plan = (path: string, kind: EntityRow['kind'], description: object) => {
      if (path === '' || path.length > MAX_NAME)
        throw invalid(path, `a name has 1 to ${MAX_NAME} characters`);
      const known = planned.get(key(path)) ?? this.#rows.get(key(path));
      if (known && known.kind !== kind) throw invalid(path, `it exists already as a ${known.kind}`);
      const text = JSON.stringify(description);
      if (known?.description === text) return;
      lastId += known ? 0 : 1;
      const row = { id: lastId, path, kind, ceiling: 1, ...known, description: text };
      planned.set(key(path), row);
    };
    const planSource = (
      path: string,
      kind: EntityRow['kind'],
      of: QueueDescription | SubscriptionDescription,
    ) => {
      const { requiresSession } = queueSettings(of);
      const known = planned.get(key(path)) ?? this.#rows.get(key(path));
      if (known && queueSettings(JSON.parse(known.description)).requiresSession !== requiresSession) {
        throw invalid(path, 'requiresSession cannot be changed once it exists');
      }
      plan(path, kind, of);
      plan(path + DEAD_LETTERS, 'dead-letter', {});
    };
    for (const queue of queues) {
      intakeSettings(queue);
      planSource(queue.name, 'queue', queue);
    }
    for (const { subscriptions = [], ...topic } of topics) {
      intakeSettings(topic);
      plan(topic.name, 'topic', topic);
      for (const each of subscriptions)
        planSource(topic.name + SUBSCRIPTIONS + each.name, 'subscription', each);
    }
    return [...planned.values()];
  }

  #apply(rows: EntityRow[]): void {
    for (const row of rows) {
      this.#rows.set(key(row.path), row);
      this.#lastId = Math.max(this.#lastId, row.id);
    }
    for (const row of rows) {
      const description: unknown = JSON.parse(row.description);
      if (row.kind === 'queue') this.#applyQueue(row, description as QueueDescription);
      else if (row.kind === 'topic') this.#applyTopic(row, description as TopicDescription);
      else if (row.kind === 'subscription')
        this.#applySubscription(row, description as SubscriptionDescription);
    }
  }

  #applyQueue(row: EntityRow, description: QueueDescription): void {
    const settings = intakeSettings(description);
    const queue = this.#applySource(row, description);
    const known = this.queues.get(key(row.path));
    if (known) known.intake.configure(settings);
    else this.queues.set(key(row.path), new QueueEntity(this.#core, queue, settings));
  }

  #applyTopic(row: EntityRow, description: TopicDescription): void {
    const settings = intakeSettings(description);
    const known = this.topics.get(key(row.path));
    if (known) known.intake.configure(settings);
    else this.topics.set(key(row.path), new Topic(this.#core, row, settings));
  }

  #applySubscription(row: EntityRow, description: SubscriptionDescription): void {
    const topic = this.topics.get(key(row.path.slice(0, row.path.indexOf(SUBSCRIPTIONS))));
    const rules = description.rules ?? [{ name: '$Default', filter: { kind: 'true' } }];
    topic?.subscriptions.set(key(description.name), { queue: this.#applySource(row, description), rules });
  }

  #applySource(row: EntityRow, description: QueueDescription | SubscriptionDescription): Queue {
    const settings = queueSettings(description);
    const known = this.sources.get(key(row.path));
    if (known) {
      known.settings = settings;
      if (known.deadLetters) known.deadLetters.settings = deadLetterSettings(settings);
      return known;
    }
    const deadRow = this.#rows.get(key(row.path + DEAD_LETTERS));
    if (!deadRow) throw new Error(`the store has no dead letter queue for ${row.path}`);
    const deadLetters = new Queue(this.#core, deadRow, deadLetterSettings(settings), undefined);
    const queue = new Queue(this.#core, row, settings, deadLetters);
    this.sources.set(key(deadRow.path), deadLetters);
    this.sources.set(key(row.path), queue);
    return queue;
  }
}

function key(path: string): string {
  return path.toLowerCase();
}

function invalid(entity: string, why: string): BrokerError {
  return new BrokerError('BROKER_TOPOLOGY_INVALID', `Entity '${entity}': ${why}.`, { entity });
}
