// `quorate/broker`: the package `quorate-broker` under the name that it has had here. Where it is not installed the import
// fails with one line that says so.
import type * as BrokerPackage from 'quorate-broker';
import { loadBroker } from '../common/optional-packages.ts';

export type * from 'quorate-broker';

const broker = await loadBroker();

export const {
  createBroker,
  declareAtRunning,
  EMULATOR_KEYS,
  emulatorConfigOf,
  FAULT_OPERATIONS,
  FAULT_POINTS,
  openControlSide,
  reachControl,
  readBrokerRecord,
  readStatus,
  startBroker,
  topologyOfEmulatorConfig,
} = broker;
export const { BrokerError } = broker;
export type BrokerError = BrokerPackage.BrokerError;
