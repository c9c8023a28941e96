/** How many entities and rules there may be (learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas). */
import { BrokerError } from '../errors.ts';
import type { EntityRow } from '../store/store.ts';
import type { RuleDescription, SubscriptionDescription } from '../topology.ts';
import type { Tier } from './limits.ts';
import { entityKey, SUBSCRIPTIONS } from './plan.ts';
import { DEFAULT_RULE } from './rules.ts';

/** Premium: for one messaging unit. */
const MAX_ENTITIES: Readonly<Record<Tier, number>> = { standard: 10_000, premium: 1000 };
const MAX_PARTITIONED = 100;
const MAX_SUBSCRIPTIONS = 2000;
const MAX_SQL_FILTERS = 2000;
const MAX_CORRELATION_FILTERS = 100_000;

const PARTITIONED = '"enablePartitioning":true';

export interface FilterCounts {
  sql: number;
  correlation: number;
}

/** The filters that a topic has now, by its subscriptions' names in lower case. */
export type FiltersOf = (topic: string) => ReadonlyMap<string, FilterCounts>;

/** Whether the entities are within the limits after a change; throws a BrokerError with the limit. */
export function checkCounts(
  tier: Tier,
  known: ReadonlyMap<string, EntityRow>,
  changed: readonly EntityRow[],
  filtersOf: FiltersOf,
): void {
  const fresh = changed.filter(({ path }) => !known.has(entityKey(path)));
  const before = [...known.values()];
  const check = (what: string, max: number, counts: (row: EntityRow) => boolean) => {
    const added = fresh.filter(counts).length;
    if (added > 0) limit(what, before.filter(counts).length + added, max);
  };
  if (fresh.length > 0) {
    check('Queue or Topic', MAX_ENTITIES[tier], isTop);
    check(
      'Partitioned Entity',
      MAX_PARTITIONED,
      (row) => isTop(row) && row.description.includes(PARTITIONED),
    );
  }
  const touched = changed.filter(({ kind }) => kind === 'subscription');
  for (const topic of new Set(touched.map(topicKey))) {
    check('Subscription', MAX_SUBSCRIPTIONS, (row) => row.kind === 'subscription' && topicKey(row) === topic);
    checkFilters(
      filtersOf(topic),
      touched.filter((row) => topicKey(row) === topic),
    );
  }
}

function checkFilters(filters: ReadonlyMap<string, FilterCounts>, changed: readonly EntityRow[]): void {
  const counts = new Map(filters);
  let [sql, correlation] = [0, 0];
  let grows = { sql: false, correlation: false };
  for (const { description } of changed) {
    const { name, rules = [DEFAULT_RULE] } = JSON.parse(description) as SubscriptionDescription;
    const now = countFilters(rules);
    const { sql: sqlBefore = 0, correlation: correlationBefore = 0 } = counts.get(entityKey(name)) ?? {};
    grows = {
      sql: grows.sql || now.sql > sqlBefore,
      correlation: grows.correlation || now.correlation > correlationBefore,
    };
    counts.set(entityKey(name), now);
  }
  for (const each of counts.values()) {
    sql += each.sql;
    correlation += each.correlation;
  }
  if (grows.sql) limit('SQL Filter', sql, MAX_SQL_FILTERS);
  if (grows.correlation) limit('Correlation Filter', correlation, MAX_CORRELATION_FILTERS);
}

function countFilters(rules: readonly RuleDescription[]): FilterCounts {
  const correlation = rules.filter(({ filter }) => filter.kind === 'correlation').length;
  return { sql: rules.length - correlation, correlation };
}

function isTop({ kind }: EntityRow): boolean {
  return kind === 'queue' || kind === 'topic';
}

function topicKey({ path }: EntityRow): string {
  const name = entityKey(path);
  return name.slice(0, name.indexOf(entityKey(SUBSCRIPTIONS)));
}

function limit(what: string, actual: number, max: number): void {
  if (actual <= max) return;
  throw new BrokerError(
    'BROKER_TOPOLOGY_INVALID',
    `The maximum number of resources of type='${what}' has been reached. Actual='${max}', Max allowed='${max}'.`,
    { limit: max },
  );
}
