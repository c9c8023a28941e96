// Declared entities as Service Bus describes them. Pure.
import { type EntityDeclaration, subscriptionParts } from '../../contract/entities.ts';

/** A queue in the words of the service and of the embedded broker. Durations are ISO 8601. */
export interface QueueSettings {
  name: string;
  requiresSession?: boolean;
  lockDuration?: string;
  maxDeliveryCount?: number;
  deadLetteringOnMessageExpiration?: boolean;
  requiresDuplicateDetection?: boolean;
  duplicateDetectionHistoryTimeWindow?: string;
}

export type TopicSettings = Pick<
  QueueSettings,
  'name' | 'requiresDuplicateDetection' | 'duplicateDetectionHistoryTimeWindow'
>;

export type SubscriptionSettings = Omit<
  QueueSettings,
  'requiresDuplicateDetection' | 'duplicateDetectionHistoryTimeWindow'
>;

export interface BrokerTopology {
  queues: QueueSettings[];
  topics: (TopicSettings & { subscriptions?: SubscriptionSettings[] })[];
}

const UNITS = [
  ['D', 86_400_000],
  ['H', 3_600_000],
  ['M', 60_000],
] as const;

export function toIsoDuration(ms: number): string {
  let left = ms;
  const parts = UNITS.map(([letter, unit]) => {
    const count = Math.floor(left / unit);
    left -= count * unit;
    return count === 0 ? '' : `${count}${letter}`;
  });
  const [days = '', ...times] = parts;
  const seconds = left === 0 ? '' : `${left / 1000}S`;
  const time = `${times.join('')}${seconds}`;
  if (days === '' && time === '') return 'PT0S';
  return time === '' ? `P${days}` : `P${days}T${time}`;
}

const ISO = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** NaN for what is no duration: it equals nothing. */
export function fromIsoDuration(text: string): number {
  const match = ISO.exec(text);
  if (match === null) return Number.NaN;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0));
  return (
    (days ?? 0) * 86_400_000 + (hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000 + (seconds ?? 0) * 1_000
  );
}

export function toBrokerTopology(entities: readonly EntityDeclaration[], prefix: string): BrokerTopology {
  const of = (kind: EntityDeclaration['kind']) => entities.filter((entity) => entity.kind === kind);
  return {
    queues: of('queue').map((entity) => toQueueSettings(entity, prefix)),
    topics: of('topic').map((entity) => {
      const subscriptions = of('subscription').filter(
        ({ name }) => subscriptionParts(name)[0] === entity.name,
      );
      return {
        ...toTopicSettings(entity, prefix),
        ...(subscriptions.length === 0 ? {} : { subscriptions: subscriptions.map(toSubscriptionSettings) }),
      };
    }),
  };
}

export function toQueueSettings(entity: EntityDeclaration, prefix: string): QueueSettings {
  const { requiresSession, lockDurationMs, maxDeliveryCount, deadLetterOnExpiration } = entity;
  return {
    ...toTopicSettings(entity, prefix),
    ...(requiresSession === undefined ? {} : { requiresSession }),
    ...(lockDurationMs === undefined ? {} : { lockDuration: toIsoDuration(lockDurationMs) }),
    ...(maxDeliveryCount === undefined ? {} : { maxDeliveryCount }),
    ...(deadLetterOnExpiration === undefined
      ? {}
      : { deadLetteringOnMessageExpiration: deadLetterOnExpiration }),
  };
}

/** Its topic has the prefix. */
export function toSubscriptionSettings(entity: EntityDeclaration): SubscriptionSettings {
  return { ...toQueueSettings(entity, ''), name: subscriptionParts(entity.name)[1] };
}

export function toTopicSettings(
  { name, duplicateWindowMs }: EntityDeclaration,
  prefix: string,
): TopicSettings {
  const detection =
    duplicateWindowMs === undefined
      ? {}
      : {
          requiresDuplicateDetection: true,
          duplicateDetectionHistoryTimeWindow: toIsoDuration(duplicateWindowMs),
        };
  return { name: `${prefix}${name}`, ...detection };
}

const DURATIONS = new Set(['lockDuration', 'duplicateDetectionHistoryTimeWindow']);

/** What is set otherwise than declared, one line a setting. */
export function compareSettings(
  declared: QueueSettings,
  actual: Readonly<Record<string, unknown>>,
): string[] {
  const wrong: string[] = [];
  for (const [key, value] of Object.entries(declared)) {
    if (key === 'name') continue;
    const found = actual[key];
    const same = DURATIONS.has(key)
      ? fromIsoDuration(String(value)) === fromIsoDuration(String(found))
      : value === found;
    if (!same) wrong.push(`${declared.name}: ${key} is ${String(found)}, not ${String(value)}`);
  }
  return wrong;
}
