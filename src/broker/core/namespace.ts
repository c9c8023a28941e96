import { BrokerError } from '../errors.ts';
import { type EntityRow, StoreFullError } from '../store/store.ts';
import type { QueueDescription, SubscriptionDescription, TopicDescription, Topology } from '../topology.ts';
import type { Core } from './core.ts';
import { IdleEntities } from './idle-entities.ts';
import {
  DEAD_LETTERS,
  isWithin,
  type Kept,
  entityKey as key,
  Plan,
  SUBSCRIPTIONS,
  TRANSFER_DEAD_LETTERS,
} from './plan.ts';
import { Queue } from './queue.ts';
import { QueueEntity } from './queue-entity.ts';
import { compileRule, DEFAULT_RULE } from './rules.ts';
import {
  deadLetterSettings,
  idleMs,
  intakeSettings,
  type QueueSettings,
  queueSettings,
  transferSettings,
} from './settings.ts';
import { SubscriptionRules } from './subscription-rules.ts';
import { Topic } from './topic.ts';

/** An entity as the store keeps it. */
export interface KeptEntity {
  readonly path: string;
  readonly kind: EntityRow['kind'];
  readonly description: Kept<QueueDescription & TopicDescription & SubscriptionDescription>;
}

/** The entities, by path; Service Bus compares paths without case. */
export class Namespace {
  readonly #core: Core;
  readonly #rows = new Map<string, EntityRow>();
  readonly queues = new Map<string, QueueEntity>();
  readonly topics = new Map<string, Topic>();
  /** Everything that can be received from: queues, subscriptions and their dead letter queues. */
  readonly sources = new Map<string, Queue>();
  /** Told which entity is gone. */
  removed: (path: string) => void = () => {};
  /** Told whose senders or receivers may not go on. */
  disabled: (path: string, half: 'senders' | 'receivers') => void = () => {};
  readonly idle: IdleEntities;
  #lastId = 0;

  constructor(core: Core) {
    this.#core = core;
    this.idle = new IdleEntities(
      core.alarms,
      (path) => (this.destination(path)?.intake.schedule.size ?? 0) > 0,
      (path) => this.remove(path),
    );
    this.#apply(this.#completed(core.store.entities()));
  }

  destination(path: string): QueueEntity | Topic | undefined {
    return this.queues.get(key(path)) ?? this.topics.get(key(path));
  }

  /** The topic that a subscription belongs to. */
  topicOf(path: string): Topic | undefined {
    const name = key(path);
    return this.topics.get(name.slice(0, name.indexOf(key(SUBSCRIPTIONS))));
  }

  /** The rules of a subscription. */
  rulesOf(path: string): SubscriptionRules | undefined {
    if (this.entity(path)?.kind !== 'subscription') return undefined;
    return new SubscriptionRules(this, path, () => this.#core.alarms.now());
  }

  source(path: string): Queue | undefined {
    return this.sources.get(key(path));
  }

  /** Creates what is missing and updates what is there, all of it or nothing; never removes. */
  declare({ queues, topics }: Topology): void {
    this.change((plan) => {
      for (const queue of queues) plan.queue(queue);
      for (const { subscriptions = [], ...topic } of topics) {
        plan.topic(topic);
        for (const each of subscriptions) plan.subscription(topic.name, each);
      }
    });
  }

  /** One durable change of the topology. */
  change(describe: (plan: Plan) => void): void {
    const plan = new Plan(this.#rows, this.#lastId, this.#core.alarms.now());
    describe(plan);
    const rows = plan.rows();
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

  entity(path: string): KeptEntity | undefined {
    const row = this.#rows.get(key(path));
    return row && toKept(row);
  }

  *entities(): Iterable<KeptEntity> {
    for (const row of this.#rows.values()) yield toKept(row);
  }

  /** Removes an entity with everything in and below it; whoever is connected to it is told through `removed`. */
  remove(path: string): void {
    const rows = [...this.#rows.values()].filter((row) => isWithin(key(row.path), key(path)));
    this.#core.committer.drain();
    const shared = rows.flatMap(({ id }) => this.#core.store.sharedBodies(id));
    this.#core.store.withReserve(() =>
      this.#core.store.transaction(() => {
        for (const { id } of rows) this.#core.store.removeEntity(id);
      }),
    );
    for (const row of rows) this.#forget(row);
    for (const body of shared) {
      if (!this.#core.bodies.removeOwner(body)) continue;
      this.#core.bodies.forget(body);
      this.#core.write((store) => store.deleteBody(body));
    }
    this.removed(path);
  }

  #forget({ path }: EntityRow): void {
    const name = key(path);
    this.sources.get(name)?.retire();
    this.destination(path)?.intake.retire();
    this.idle.forget(path);
    this.#rows.delete(name);
    this.sources.delete(name);
    this.queues.delete(name);
    this.topics.delete(name);
    const at = name.indexOf(key(SUBSCRIPTIONS));
    if (at >= 0)
      this.topics.get(name.slice(0, at))?.subscriptions.delete(name.slice(at + SUBSCRIPTIONS.length));
  }

  #apply(rows: EntityRow[]): void {
    for (const row of rows) {
      this.#rows.set(key(row.path), row);
      this.#lastId = Math.max(this.#lastId, row.id);
    }
    for (const row of rows) {
      if (row.kind === 'dead-letter') continue;
      const description: unknown = JSON.parse(row.description);
      if (row.kind === 'queue') this.#applyQueue(row, description as QueueDescription);
      else if (row.kind === 'topic') this.#applyTopic(row, description as TopicDescription);
      else if (row.kind === 'subscription')
        this.#applySubscription(row, description as SubscriptionDescription);
      this.idle.configure(row.path, idleMs(description as QueueDescription));
      if (this.destination(row.path)?.intake.settings.disabled) this.disabled(row.path, 'senders');
      if (this.source(row.path)?.disabled) this.disabled(row.path, 'receivers');
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
    this.topicOf(row.path)?.subscriptions.set(key(description.name), {
      queue: this.#applySource(row, description),
      rules: (description.rules ?? [DEFAULT_RULE]).map(compileRule),
      deadLetterOnFilterError: description.deadLetteringOnFilterEvaluationExceptions ?? true,
    });
  }

  #applySource(row: EntityRow, description: QueueDescription | SubscriptionDescription): Queue {
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
    const queue = new Queue(this.#core, row, settings, this.#findTarget, {
      deadLetters,
      transferDeadLetters,
    });
    this.sources.set(key(row.path), queue);
    return queue;
  }

  #side(path: string, settings: QueueSettings, transferDeadLetters?: Queue): Queue {
    const row = this.#rows.get(key(path));
    if (!row) throw new Error(`the store has no ${path}`);
    const others = { deadLetters: undefined, transferDeadLetters };
    const queue = new Queue(this.#core, row, settings, this.#findTarget, others);
    this.sources.set(key(path), queue);
    return queue;
  }

  readonly #findTarget = (path: string) => this.destination(path)?.intake;

  /** Files from before there was forwarding have no queues for its failures. */
  #completed(rows: EntityRow[]): EntityRow[] {
    const paths = new Set(rows.map(({ path }) => key(path)));
    let lastId = Math.max(0, ...rows.map(({ id }) => id));
    const missing: EntityRow[] = [];
    for (const { path, kind } of rows) {
      const wanted = path + TRANSFER_DEAD_LETTERS;
      if ((kind !== 'queue' && kind !== 'subscription') || paths.has(key(wanted))) continue;
      lastId += 1;
      missing.push({ id: lastId, path: wanted, kind: 'dead-letter', description: '{}', ceiling: 1 });
    }
    if (missing.length === 0) return rows;
    const { store } = this.#core;
    store.withReserve(() =>
      store.transaction(() => {
        for (const row of missing) store.putEntity(row);
      }),
    );
    return [...rows, ...missing];
  }
}

function toKept({ path, kind, description }: EntityRow): KeptEntity {
  return { path, kind, description: JSON.parse(description) };
}
