// The names of all entities and how each is made: the only place that knows them. Names are without the prefix.
import { isReservedType, kindOfSession } from './control.ts';

/** One entity as declared. Durations in ms; the bridge and the broker turn them into ISO 8601. */
export interface EntityDeclaration {
  readonly name: string;
  /** The name of a subscription begins with that of its topic (`subscriptionEntity`). */
  readonly kind: 'queue' | 'topic' | 'subscription';
  readonly requiresSession?: boolean;
  readonly lockDurationMs?: number;
  readonly maxDeliveryCount?: number;
  readonly duplicateWindowMs?: number;
  readonly deadLetterOnExpiration?: boolean;
}

/** Attempts are counted by the host (I7), so the broker's own limit is out of the way: the service's maximum. */
export const MAX_DELIVERY_COUNT = 2_147_483_647;

export const REPLIES = 'replies';
export const OFFERS = 'offers';
export const EVENTS = 'events';
export const REMEDIATION = 'remediation';
/** Topic of what processes tell the index of consoles, and the subscription that a console reads. */
export const RECORDS_TOPIC = 'records';
export const CONSOLE_SUBSCRIPTION = 'console';
/** Sessions of the actors that keep what all processes share (control.ts). */
export const CONTROL = 'control';

export function actorQueue(type: string): string {
  return isReservedType(type) ? CONTROL : `actor.${type}`;
}

/** The actor whose inbox a session of a queue is, as `type/id`; undefined where it is no actor's. */
export function actorOf(entity: string, session: string): string | undefined {
  if (entity === CONTROL && session !== '') return `$${kindOfSession(session)}/${session}`;
  const prefix = actorQueue('');
  return entity.startsWith(prefix) && session !== ''
    ? `${entity.slice(prefix.length)}/${session}`
    : undefined;
}

export function agentQueue(agent: string): string {
  return `agent.${agent}`;
}

/** A topic of the configuration. */
export function topicEntity(topic: string): string {
  return `topic.${topic}`;
}

const SUBSCRIPTIONS = '/Subscriptions/';

/** What a subscription is received from. */
export function subscriptionEntity(topic: string, name: string): string {
  return subscriptionOf(topicEntity(topic), name);
}

/** The same, of a topic by the name of its entity. */
export function subscriptionOf(topic: string, name: string): string {
  return `${topic}${SUBSCRIPTIONS}${name}`;
}

/** Entity of the topic, and own name of the subscription. */
export function subscriptionParts(entity: string): readonly [topic: string, name: string] {
  const [topic = '', name = ''] = entity.split(SUBSCRIPTIONS);
  return [topic, name];
}

/** Queue of a machine's own promise logic, run as agents in workers. */
export function logicQueue(type: string): string {
  return `logic.${type}`;
}

/** Queue of a machine's named actions that their session did not wait for. */
export function actionQueue(type: string): string {
  return `action.${type}`;
}

export interface TopologyNeeds {
  readonly machineTypes: readonly string[];
  /** Machine types with their own promise logic. */
  readonly logicTypes: readonly string[];
  /** Machine types with named actions. */
  readonly actionTypes: readonly string[];
  readonly agents: readonly string[];
  /** Topic -> names of its subscriptions. */
  readonly topics?: Readonly<Record<string, readonly string[]>>;
  /** Something is configured that processes share. */
  readonly control?: boolean;
  /** Commits are told to the index of consoles. */
  readonly records?: boolean;
  readonly lockDurationMs: number;
  readonly duplicateWindowMs: number;
}

export function declareEntities(needs: TopologyNeeds): EntityDeclaration[] {
  const { lockDurationMs, duplicateWindowMs } = needs;
  const common = {
    kind: 'queue',
    lockDurationMs,
    duplicateWindowMs,
    maxDeliveryCount: MAX_DELIVERY_COUNT,
  } as const;
  const sessions = (name: string): EntityDeclaration => ({ ...common, name, requiresSession: true });
  const tasks = (name: string): EntityDeclaration => ({ ...common, name, deadLetterOnExpiration: true });
  return [
    ...needs.machineTypes.map((type) => sessions(actorQueue(type))),
    ...needs.logicTypes.map((type) => tasks(logicQueue(type))),
    ...needs.actionTypes.map((type) => tasks(actionQueue(type))),
    ...needs.agents.map((agent) => tasks(agentQueue(agent))),
    ...(needs.control === true ? [sessions(CONTROL)] : []),
    ...(needs.records === true ? recordEntities(lockDurationMs) : []),
    sessions(REPLIES),
    tasks(OFFERS),
    { ...common, name: REMEDIATION },
    { name: EVENTS, kind: 'topic', duplicateWindowMs },
    ...Object.entries(needs.topics ?? {}).flatMap(([topic, names]): EntityDeclaration[] => [
      { name: topicEntity(topic), kind: 'topic', duplicateWindowMs },
      ...names.map(
        (name): EntityDeclaration => ({
          name: subscriptionEntity(topic, name),
          kind: 'subscription',
          lockDurationMs,
          maxDeliveryCount: MAX_DELIVERY_COUNT,
          deadLetterOnExpiration: true,
        }),
      ),
    ]),
  ];
}

/** What is late is worth nothing: it has a time to live, and the index is healed otherwise. */
function recordEntities(lockDurationMs: number): EntityDeclaration[] {
  return [
    { name: RECORDS_TOPIC, kind: 'topic' },
    {
      name: subscriptionOf(RECORDS_TOPIC, CONSOLE_SUBSCRIPTION),
      kind: 'subscription',
      lockDurationMs,
      maxDeliveryCount: MAX_DELIVERY_COUNT,
    },
  ];
}

/** Entities whose dead letters are pumped. Nobody waits for an answer that its client did not take, or for remediation. */
export function deadLetterSources(entities: readonly EntityDeclaration[]): string[] {
  return entities
    .filter(({ name, kind }) => kind === 'queue' && name !== REPLIES && name !== REMEDIATION)
    .map(({ name }) => name);
}
