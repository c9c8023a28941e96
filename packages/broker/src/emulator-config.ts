/** The Config.json of Microsoft's Service Bus emulator, read as a topology. */
import { BrokerError } from './errors.ts';
import type {
  CorrelationFilter,
  QueueDescription,
  RuleDescription,
  RuleFilter,
  SqlAction,
  SubscriptionDescription,
  TopicDescription,
  Topology,
} from './topology.ts';

/** The emulator's one and well-known key, so that connection strings need not change. */
export const EMULATOR_KEYS = { RootManageSharedAccessKey: 'SAS_KEY_VALUE' };

type Fields = Readonly<Record<string, unknown>>;

/** Properties in the emulator's spelling are those of the service's templates with a capital. */
const TEXTS = [
  'defaultMessageTimeToLive',
  'duplicateDetectionHistoryTimeWindow',
  'forwardDeadLetteredMessagesTo',
  'forwardTo',
  'lockDuration',
  'autoDeleteOnIdle',
  'userMetadata',
] as const;
const FLAGS = [
  'deadLetteringOnMessageExpiration',
  'requiresDuplicateDetection',
  'requiresSession',
  'deadLetteringOnFilterEvaluationExceptions',
  'enableBatchedOperations',
] as const;
const NUMBERS = ['maxDeliveryCount', 'maxSizeInMegabytes'] as const;
const CORRELATION = [
  ['ContentType', 'contentType'],
  ['CorrelationId', 'correlationId'],
  ['Label', 'subject'],
  ['MessageId', 'messageId'],
  ['ReplyTo', 'replyTo'],
  ['ReplyToSessionId', 'replyToSessionId'],
  ['SessionId', 'sessionId'],
  ['To', 'to'],
] as const;

/**
 * Reads the text of a `Config.json` of Microsoft's emulator, comments included.
 *
 * @returns Its queues and topics. What the file leaves out has the service's defaults, not the emulator's.
 * @throws BROKER_CONFIG_INVALID when it is no such file.
 */
export function topologyOfEmulatorConfig(text: string): Required<Topology> {
  const topology = { queues: [] as QueueDescription[], topics: [] as TopicDescription[] };
  const namespaces = listOf(
    fieldsOf(fieldsOf(parse(text), 'Config')['UserConfig'], 'UserConfig'),
    'Namespaces',
  );
  for (const [name, namespace] of named(namespaces, 'Namespaces')) {
    for (const [queue, fields] of named(listOf(namespace, 'Queues'), name)) {
      topology.queues.push({ name: queue, ...properties(queue, fields) } satisfies QueueDescription);
    }
    for (const [topic, fields] of named(listOf(namespace, 'Topics'), name)) {
      topology.topics.push({
        name: topic,
        ...properties(topic, fields),
        subscriptions: named(listOf(fields, 'Subscriptions'), topic).map(toSubscription),
      } satisfies TopicDescription);
    }
  }
  return topology;
}

/** Gives the emulator's `Config.json` for a topology without rules, for a broker that runs already. */
export function emulatorConfigOf({ queues = [], topics = [] }: Topology): string {
  const Queues = queues.map(spelled);
  const Topics = topics.map(({ subscriptions = [], ...topic }) => ({
    ...spelled(topic),
    Subscriptions: subscriptions.map(spelled),
  }));
  return JSON.stringify({ UserConfig: { Namespaces: [{ Name: 'sbemulatorns', Queues, Topics }] } });
}

function spelled({ name, ...settings }: { name: string }): object {
  const Properties = Object.fromEntries(
    Object.entries(settings)
      .filter(([field]) => field !== 'rules')
      .map(([field, value]) => [capital(field), value]),
  );
  return { Name: name, Properties };
}

function capital(field: string): string {
  return field.charAt(0).toUpperCase() + field.slice(1);
}

function toSubscription([name, fields]: [string, Fields]): SubscriptionDescription {
  const rules = named(listOf(fields, 'Rules'), name).map(toRule);
  return { name, ...properties(name, fields), ...(rules.length > 0 ? { rules } : {}) };
}

function toRule([name, fields]: [string, Fields]): RuleDescription {
  const described = fieldsOf(fields['Properties'] ?? {}, name);
  const action = described['Action'] === undefined ? undefined : toAction(name, described['Action']);
  return { name, filter: toFilter(name, described), ...(action ? { action } : {}) };
}

function toFilter(name: string, described: Fields): RuleFilter {
  const written = described['SqlFilter'] ? 'Sql' : described['CorrelationFilter'] ? 'Correlation' : 'True';
  const type = textOf(described['FilterType'] ?? written);
  switch (type.toLowerCase()) {
    case 'true':
      return { kind: 'true' };
    case 'false':
      return { kind: 'false' };
    case 'sql':
      return { kind: 'sql', expression: expressionOf(name, described['SqlFilter']) };
    case 'correlation':
      return toCorrelation(fieldsOf(described['CorrelationFilter'] ?? {}, name), name);
    default:
      throw invalid(`${name}: the FilterType '${type}' is not Correlation, Sql, True or False`);
  }
}

function toCorrelation(fields: Fields, name: string): CorrelationFilter {
  const filter: CorrelationFilter = { kind: 'correlation' };
  for (const [spelling, field] of CORRELATION) {
    const value = fields[spelling];
    if (value !== undefined && value !== null && value !== '') filter[field] = textOf(value);
  }
  const given = Object.entries(fieldsOf(fields['Properties'] ?? {}, name));
  if (given.length > 0) {
    filter.applicationProperties = Object.fromEntries(
      given.map(([key, value]) => [
        key,
        typeof value === 'number' || typeof value === 'boolean' ? value : textOf(value),
      ]),
    );
  }
  return filter;
}

/** Empty action objects stand for none. */
function toAction(name: string, value: unknown): SqlAction | undefined {
  const expression = fieldsOf(value ?? {}, name)['SqlExpression'];
  return typeof expression === 'string' && expression !== '' ? { expression } : undefined;
}

function expressionOf(name: string, value: unknown): string {
  const expression = fieldsOf(value ?? {}, name)['SqlExpression'];
  if (typeof expression !== 'string') throw invalid(`${name}: SqlFilter has no SqlExpression`);
  return expression;
}

function properties(name: string, fields: Fields): Partial<Omit<QueueDescription, 'name'>> {
  const given = fieldsOf(fields['Properties'] ?? {}, name);
  const found: Record<string, unknown> = {};
  const take = (names: readonly string[], type: 'string' | 'boolean' | 'number') => {
    for (const each of names) {
      const value = given[capital(each)];
      if (value === undefined || value === null || value === '') continue;
      if (typeof value !== type) throw invalid(`${name}: ${capital(each)} is not a ${type}`);
      found[each] = value;
    }
  };
  take(TEXTS, 'string');
  take(FLAGS, 'boolean');
  take(NUMBERS, 'number');
  return found;
}

function named(items: unknown[], where: string): [string, Fields][] {
  return items.map((item) => {
    const fields = fieldsOf(item, where);
    const name = fields['Name'];
    if (typeof name !== 'string' || name === '') throw invalid(`${where}: an entry has no Name`);
    return [name, fields];
  });
}

function listOf(fields: Fields, name: string): unknown[] {
  const value = fields[name] ?? [];
  if (!Array.isArray(value)) throw invalid(`${name} is not a list`);
  return value;
}

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${where} is not an object`);
  }
  return value as Fields;
}

/** The value as text; what is no text is shown as it stands in the file. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(withoutComments(text.replace(/^\uFEFF/, '')));
  } catch (error) {
    throw invalid(`it is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A string, a comment, or a comma behind which a list or an object ends. */
const TOKENS =
  /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*[\]}])/g;

/** Microsoft's file has comments, and its reader forgives a comma too many. Lines stay where they are. */
function withoutComments(text: string): string {
  return text.replace(TOKENS, (token) => (token.startsWith('"') ? token : token.replace(/[^\n]/g, ' ')));
}

function invalid(why: string): BrokerError {
  return new BrokerError('BROKER_CONFIG_INVALID', `The emulator configuration cannot be used: ${why}.`);
}
