/** What an application declares: entities and their settings, in the words of Microsoft's ARM templates. */

/** Whether an entity takes and gives messages. */
export type EntityState = 'Active' | 'Disabled' | 'SendDisabled' | 'ReceiveDisabled';
/** What a key allows; Manage includes the other two. */
export type AccessRight = 'Manage' | 'Send' | 'Listen';

/** A key of one queue or topic. */
export interface AuthorizationRule {
  keyName: string;
  rights: AccessRight[];
  primaryKey: string;
  secondaryKey: string;
  /** As its administrator says. */
  createdTime?: string;
  modifiedTime?: string;
}

/** What every entity has. */
interface EntityDescription {
  name: string;
  /** Default Active. */
  status?: EntityState;
  /** ISO 8601; default for ever. */
  autoDeleteOnIdle?: string;
  enableBatchedOperations?: boolean;
  userMetadata?: string;
}

interface Partitioned {
  /** Accepted; the order of a partition key, and more, is kept. */
  enablePartitioning?: boolean;
  enableExpress?: boolean;
  /** 256 on the standard tier. */
  maxMessageSizeInKilobytes?: number;
  authorizationRules?: AuthorizationRule[];
}

export interface Forwarding {
  /** A queue or topic that gets every message. */
  forwardTo?: string;
  forwardDeadLetteredMessagesTo?: string;
}

/** A queue. Durations are ISO 8601, such as PT30S. */
export interface QueueDescription extends EntityDescription, Partitioned, Forwarding {
  requiresSession?: boolean;
  /** ISO 8601; default PT1M. */
  lockDuration?: string;
  /** Default 10. */
  maxDeliveryCount?: number;
  defaultMessageTimeToLive?: string;
  deadLetteringOnMessageExpiration?: boolean;
  requiresDuplicateDetection?: boolean;
  /** ISO 8601; default PT10M. */
  duplicateDetectionHistoryTimeWindow?: string;
  /** Default 1024. */
  maxSizeInMegabytes?: number;
}

/**
 * A value that JSON has no type for, in the words of XML Schema: '2025-06-01T00:00:00Z', 'P1DT2H'. A plain number is
 * an int where it is whole and small enough, else a double; `amqp` is an encoded value of any other type in hex.
 */
export interface TypedValue {
  type: 'long' | 'double' | 'dateTime' | 'duration' | 'guid' | 'amqp';
  value: string;
}

/** A value of an application property. */
export type PropertyValue = string | number | boolean | TypedValue;

/** Lets a message through when everything that is given is equal. */
export interface CorrelationFilter {
  kind: 'correlation';
  correlationId?: string;
  messageId?: string;
  to?: string;
  replyTo?: string;
  subject?: string;
  sessionId?: string;
  replyToSessionId?: string;
  contentType?: string;
  applicationProperties?: Record<string, PropertyValue>;
}

/** What `@name` in an expression stands for. */
export type SqlParameters = Record<string, PropertyValue>;

/** Lets a message through when the expression is true. */
export interface SqlFilter {
  kind: 'sql';
  expression: string;
  parameters?: SqlParameters;
}

/** Changes the copy of a message by `SET` and `REMOVE`. */
export interface SqlAction {
  expression: string;
  parameters?: SqlParameters;
}

/** Which messages a rule lets into its subscription. */
export type RuleFilter = { kind: 'true' } | { kind: 'false' } | CorrelationFilter | SqlFilter;

/** A rule of a subscription: a filter, and what it changes. */
export interface RuleDescription {
  name: string;
  filter: RuleFilter;
  /** The message's copy is changed before it enters the subscription. */
  action?: SqlAction;
  createdAt?: string;
}

/** A subscription of a topic. Durations are ISO 8601, defaults as of a queue. */
export interface SubscriptionDescription extends EntityDescription, Forwarding {
  requiresSession?: boolean;
  lockDuration?: string;
  maxDeliveryCount?: number;
  defaultMessageTimeToLive?: string;
  deadLetteringOnMessageExpiration?: boolean;
  /** Default true. */
  deadLetteringOnFilterEvaluationExceptions?: boolean;
  /** Default: one rule `$Default` that lets everything through. */
  rules?: RuleDescription[];
}

/** A topic with its subscriptions. Durations are ISO 8601, defaults as of a queue. */
export interface TopicDescription extends EntityDescription, Partitioned {
  defaultMessageTimeToLive?: string;
  requiresDuplicateDetection?: boolean;
  duplicateDetectionHistoryTimeWindow?: string;
  maxSizeInMegabytes?: number;
  supportOrdering?: boolean;
  subscriptions?: SubscriptionDescription[];
}

/** A list that is left out is empty. */
export interface Topology {
  queues?: QueueDescription[];
  topics?: TopicDescription[];
}
