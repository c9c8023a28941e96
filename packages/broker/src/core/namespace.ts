// The entities and their descriptions: declared, changed and removed, each change durable.
import { BrokerError } from '../errors.ts';
import { type EntityRow, StoreFullError } from '../store/store.ts';
import type {
  AuthorizationRule,
  QueueDescription,
  SubscriptionDescription,
  TopicDescription,
  Topology,
} from '../topology.ts';
import type { Core } from './core.ts';
import { checkCounts, type FilterCounts } from './count-limits.ts';
import type { DuplicateWindow } from './duplicates.ts';
import { Entities } from './entities.ts';
import { IdleEntities } from './idle-entities.ts';
import type { Limits } from './limits.ts';
import { isWithin, type Kept, entityKey as key, Plan } from './plan.ts';
import type { Queue } from './queue.ts';
import type { QueueEntity } from './queue-entity.ts';
import { idleMs } from './settings.ts';
import { SubscriptionRules } from './subscription-rules.ts';
import type { Topic } from './topic.ts';

/** An entity as the store keeps it. */
export interface KeptEntity {
  readonly path: string;
  readonly kind: EntityRow['kind'];
  readonly description: Kept<QueueDescription & TopicDescription & SubscriptionDescription>;
}

/** Rows of removed entities that go in one commit. */
const PURGED_AT_ONCE = 200;

/** The entities and their descriptions: declared, changed and removed, each change durable. */
export class Namespace {
  readonly #core: Core;
  readonly #rows = new Map<string, EntityRow>();
  readonly #entities: Entities;
  /** Called with the path of an entity that is gone. */
  removed: (path: string) => void = () => {};
  /** Called with the path of an entity whose receivers must stop; sends to it are refused message by message. */
  disabled: (path: string) => void = () => {};
  /** Who may sign tokens for a queue or topic, by its path in lower case. */
  readonly authorizationRules = new Map<string, readonly AuthorizationRule[]>();
  /** Called when keys or their rights have changed. */
  keysChanged: () => void = () => {};
  readonly idle: IdleEntities;
  #lastId = 0;

  constructor(core: Core) {
    this.#core = core;
    this.#entities = new Entities(core, this.#rows);
    this.idle = new IdleEntities(
      core.alarms,
      (name) => this.#rows.has(name),
      (path) => (this.destination(path)?.intake.schedule.size ?? 0) > 0,
      (path) => this.remove(path),
    );
    this.#lastId = core.store.lastEntity();
    this.#apply(core.store.entities());
    this.#purge();
  }

  get limits(): Limits {
    return this.#core.limits;
  }

  get queues(): ReadonlyMap<string, QueueEntity> {
    return this.#entities.queues;
  }

  get topics(): ReadonlyMap<string, Topic> {
    return this.#entities.topics;
  }

  get sources(): ReadonlyMap<string, Queue> {
    return this.#entities.sources;
  }

  destination(path: string): QueueEntity | Topic | undefined {
    return this.#entities.destination(path);
  }

  /** The topic that a subscription belongs to, or would belong to. */
  topicOf(path: string): Topic | undefined {
    return this.#entities.topicOf(path);
  }

  /** The queue, or the topic of a subscription, that something belongs to. */
  home(path: string): QueueEntity | Topic | undefined {
    return this.destination(path.replace(/\/\$.*$/, '')) ?? this.topicOf(path);
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
  declare({ queues = [], topics = [] }: Topology): void {
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
    checkCounts(this.#core.limits.tier, this.#rows, rows, (topic) => this.#filtersOf(topic));
    try {
      this.#core.store.transaction(() => {
        for (const row of rows) this.#core.store.putEntity(row);
      });
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error;
      throw new BrokerError('BROKER_STORE_FULL', `${error.message}; no entity can be added.`);
    }
    this.#apply(rows);
  }

  #filtersOf(topic: string): ReadonlyMap<string, FilterCounts> {
    const subscriptions = [...(this.topics.get(topic)?.subscriptions ?? [])];
    return new Map(
      subscriptions.map(([name, { rules }]) => {
        const correlation = rules.filter((rule) => rule.correlation).length;
        return [name, { sql: rules.length - correlation, correlation }];
      }),
    );
  }

  entity(path: string): KeptEntity | undefined {
    const row = this.#rows.get(key(path));
    return row && toKept(row);
  }

  /** The windows of all entities that detect duplicates. */
  *windows(): Iterable<DuplicateWindow> {
    for (const { intake } of [...this.queues.values(), ...this.topics.values()])
      if (intake.window) yield intake.window;
  }

  *entities(): Iterable<KeptEntity> {
    for (const row of this.#rows.values()) yield toKept(row);
  }

  /** Removes an entity with everything in and below it; connected clients are told through `removed`. */
  remove(path: string): void {
    const rows = [...this.#rows.values()].filter((row) => isWithin(key(row.path), key(path)));
    this.#core.committer.drain();
    this.#core.store.withReserve(() =>
      this.#core.store.transaction(() => {
        for (const { id } of rows) this.#core.store.removeEntity(id);
      }),
    );
    for (const row of rows) this.#forget(row);
    this.removed(path);
    this.#purge();
  }

  /** What removed entities held, some of it a commit, so that nobody has to wait for all of it. */
  #purge(): void {
    let more = false;
    this.#core.commit({
      frees: true,
      write: (store) => {
        more = store.purgeRemoved(PURGED_AT_ONCE);
      },
      applied: () => {
        if (more) this.#purge();
      },
      refused: () => {},
    });
  }

  #forget({ path }: EntityRow): void {
    this.#entities.forget(path);
    this.idle.forget(path);
    this.#rows.delete(key(path));
    this.authorizationRules.delete(key(path));
  }

  #apply(rows: EntityRow[]): void {
    for (const row of rows) {
      this.#rows.set(key(row.path), row);
      this.#lastId = Math.max(this.#lastId, row.id);
    }
    let keysChanged = false;
    for (const row of rows) {
      if (row.kind === 'dead-letter') continue;
      const description = JSON.parse(row.description) as QueueDescription;
      this.#entities.put(row, description);
      this.idle.configure(row.path, idleMs(description));
      if (this.source(row.path)?.disabled) this.disabled(row.path);
      keysChanged = this.#keepKeys(row.path, description) || keysChanged;
    }
    if (keysChanged) this.keysChanged();
  }

  #keepKeys(path: string, { authorizationRules = [] }: QueueDescription): boolean {
    const known = this.authorizationRules.get(key(path)) ?? [];
    if (JSON.stringify(known) === JSON.stringify(authorizationRules)) return false;
    if (authorizationRules.length > 0) this.authorizationRules.set(key(path), authorizationRules);
    else this.authorizationRules.delete(key(path));
    return true;
  }
}

function toKept({ path, kind, description }: EntityRow): KeptEntity {
  return { path, kind, description: JSON.parse(description) };
}
