/** `quorate/broker`: an embedded, durable broker that Service Bus clients connect to. */
export { createBroker } from './broker.ts';
export type { Clock } from './clock.ts';
export { type BrokerRecord, readBrokerRecord } from './data-folder.ts';
export { BrokerError, type BrokerErrorCode } from './errors.ts';
export type { Broker, BrokerOptions, EntityStatus, LocalBrokerOptions } from './options.ts';
export { startBroker } from './thread/start.ts';
export type {
  CorrelationFilter,
  QueueDescription,
  RuleDescription,
  RuleFilter,
  SubscriptionDescription,
  TopicDescription,
  Topology,
} from './topology.ts';
