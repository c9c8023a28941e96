/** `quorate/broker`: an embedded, durable broker that Service Bus clients connect to. */
export type { Keys, NamespaceKey } from './access/grant.ts';
export type { Clock } from './clock.ts';
export type { AdvanceOptions, BrokerControl } from './control/control.ts';
export { type ControlSide, openControlSide, reachControl } from './control/control-side.ts';
export {
  type ConnectionTarget,
  type DeliveryTrigger,
  FAULT_OPERATIONS,
  FAULT_POINTS,
  type Fault,
  type FaultKind,
  type FaultOperation,
  type FaultPoint,
  type FaultStatus,
  type Faults,
  type FaultTrigger,
  type LockTarget,
} from './control/fault.ts';
export type { VirtualTime } from './control/virtual-clock.ts';
export { type BrokerRecord, readBrokerRecord } from './data-folder.ts';
export { EMULATOR_KEYS, emulatorConfigOf, topologyOfEmulatorConfig } from './emulator-config.ts';
export { BrokerError, type BrokerErrorCode } from './errors.ts';
export { createBroker, readStatus } from './on-demand.ts';
export type { Broker, BrokerOptions, EntityStatus, LocalBrokerOptions } from './options.ts';
export { declareAtRunning } from './running.ts';
export { startBroker } from './thread/start.ts';
export type {
  AccessRight,
  AuthorizationRule,
  CorrelationFilter,
  EntityState,
  PropertyValue,
  QueueDescription,
  RuleDescription,
  RuleFilter,
  SqlAction,
  SqlFilter,
  SubscriptionDescription,
  TopicDescription,
  Topology,
  TypedValue,
} from './topology.ts';
