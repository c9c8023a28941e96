/** `quorate/broker`: an embedded, durable broker that Service Bus clients connect to. */
export type { Keys, NamespaceKey } from './access/keys.ts';
export { createBroker } from './broker.ts';
export type { Clock } from './clock.ts';
export { type BrokerRecord, readBrokerRecord } from './data-folder.ts';
export { EMULATOR_KEYS, emulatorConfigOf, topologyOfEmulatorConfig } from './emulator-config.ts';
export { BrokerError, type BrokerErrorCode } from './errors.ts';
export type { Broker, BrokerOptions, EntityStatus, LocalBrokerOptions } from './options.ts';
export { declareAtRunning } from './running.ts';
export { readStatus } from './status.ts';
export { startBroker } from './thread/start.ts';
export type {
  AccessRight,
  AuthorizationRule,
  CorrelationFilter,
  EntityState,
  QueueDescription,
  RuleDescription,
  RuleFilter,
  SqlAction,
  SqlFilter,
  SubscriptionDescription,
  TopicDescription,
  Topology,
} from './topology.ts';
