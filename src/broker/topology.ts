/** What an application declares: entities and their settings, in the words of Microsoft's ARM templates. */

export interface QueueDescription {
  name: string;
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
  applicationProperties?: Record<string, string | number | boolean>;
}

export type RuleFilter = { kind: 'true' } | { kind: 'false' } | CorrelationFilter;

export interface RuleDescription {
  name: string;
  filter: RuleFilter;
}

export interface SubscriptionDescription {
  name: string;
  requiresSession?: boolean;
  lockDuration?: string;
  maxDeliveryCount?: number;
  defaultMessageTimeToLive?: string;
  deadLetteringOnMessageExpiration?: boolean;
  /** Default: one rule `$Default` that lets everything through. */
  rules?: RuleDescription[];
}

export interface TopicDescription {
  name: string;
  defaultMessageTimeToLive?: string;
  requiresDuplicateDetection?: boolean;
  duplicateDetectionHistoryTimeWindow?: string;
  maxSizeInMegabytes?: number;
  subscriptions?: SubscriptionDescription[];
}

export interface Topology {
  queues: QueueDescription[];
  topics: TopicDescription[];
}
