// The settings of entities, read and created with Manage rights.
import { type EntityDeclaration, subscriptionParts } from '../../contract/entities.ts';
import { sdkError } from '../connection/sdk-errors.ts';
import {
  compareSettings,
  type QueueSettings,
  type SubscriptionSettings,
  type TopicSettings,
  toQueueSettings,
  toSubscriptionSettings,
  toTopicSettings,
} from './topology.ts';

/** What is used of ServiceBusAdministrationClient. */
export interface EntityAdmin {
  getQueue(name: string): Promise<object>;
  getTopic(name: string): Promise<object>;
  getSubscription(topic: string, name: string): Promise<object>;
  createQueue(name: string, settings: Omit<QueueSettings, 'name'>): Promise<unknown>;
  createTopic(name: string, settings: Omit<TopicSettings, 'name'>): Promise<unknown>;
  createSubscription(
    topic: string,
    name: string,
    settings: Omit<SubscriptionSettings, 'name'>,
  ): Promise<unknown>;
}

type Actual = Readonly<Record<string, unknown>>;

/** Creates what is missing and gives a line for each setting that is wrong; what exists is never changed. */
export async function applyEntities(
  admin: EntityAdmin,
  entities: readonly EntityDeclaration[],
  prefix: string,
): Promise<string[]> {
  const findings: string[] = [];
  for (const entity of entities) {
    const actual = await readEntity(admin, entity, prefix);
    if (actual === undefined) await createEntity(admin, entity, prefix);
    else findings.push(...compareSettings(toSettings(entity, prefix), actual));
  }
  return findings;
}

/** The same, creating nothing. `undefined` when settings may not be read with these rights. */
export async function compareEntities(
  admin: EntityAdmin,
  entities: readonly EntityDeclaration[],
  prefix: string,
): Promise<string[] | undefined> {
  const findings: string[] = [];
  for (const entity of entities) {
    try {
      const actual = await readEntity(admin, entity, prefix);
      if (actual !== undefined) findings.push(...compareSettings(toSettings(entity, prefix), actual));
    } catch (thrown) {
      if (sdkError(thrown).code === 'UnauthorizedRequestError') return undefined;
      throw thrown;
    }
  }
  return findings;
}

function toSettings(entity: EntityDeclaration, prefix: string): QueueSettings {
  switch (entity.kind) {
    case 'queue':
      return toQueueSettings(entity, prefix);
    case 'topic':
      return toTopicSettings(entity, prefix);
    case 'subscription':
      return { ...toSubscriptionSettings(entity), name: `${prefix}${entity.name}` };
  }
}

function subscriptionOf(entity: string, prefix: string): readonly [topic: string, name: string] {
  const [topic, name] = subscriptionParts(entity);
  return [`${prefix}${topic}`, name];
}

async function readEntity(
  admin: EntityAdmin,
  { kind, name }: EntityDeclaration,
  prefix: string,
): Promise<Actual | undefined> {
  try {
    const path = `${prefix}${name}`;
    if (kind === 'subscription') return { ...(await admin.getSubscription(...subscriptionOf(name, prefix))) };
    return { ...(kind === 'queue' ? await admin.getQueue(path) : await admin.getTopic(path)) };
  } catch (thrown) {
    if (sdkError(thrown).code === 'MessageEntityNotFoundError') return undefined;
    throw thrown;
  }
}

/** Another process may create it at the same moment: then it exists, which is what is wanted. */
async function createEntity(admin: EntityAdmin, entity: EntityDeclaration, prefix: string): Promise<void> {
  try {
    if (entity.kind === 'queue') {
      const { name, ...settings } = toQueueSettings(entity, prefix);
      await admin.createQueue(name, settings);
    } else if (entity.kind === 'subscription') {
      const { name: _, ...settings } = toSubscriptionSettings(entity);
      await admin.createSubscription(...subscriptionOf(entity.name, prefix), settings);
    } else {
      const { name, ...settings } = toTopicSettings(entity, prefix);
      await admin.createTopic(name, settings);
    }
  } catch (thrown) {
    if (sdkError(thrown).code !== 'MessageEntityAlreadyExistsError') throw thrown;
  }
}
