// Translates the embedded broker's codes into those of docs/errors.md, wherever one of its errors meets a user.
import type { BrokerError, BrokerErrorCode } from 'quorate-broker';
import { type ErrorCode, QuorateError } from '../contract/errors.ts';

const CODES: Readonly<Record<BrokerErrorCode, ErrorCode>> = {
  BROKER_DATA_IN_USE: 'BROKER_DATA_IN_USE',
  BROKER_DATA_UNREADABLE: 'BROKER_DATA_UNREADABLE',
  BROKER_DATA_UNWRITABLE: 'BROKER_DATA_UNWRITABLE',
  BROKER_FILES_EXHAUSTED: 'FILES_EXHAUSTED',
  BROKER_DISK_FAILED: 'DISK_FAILED',
  BROKER_PORT_IN_USE: 'BROKER_PORT_IN_USE',
  BROKER_CONFIG_INVALID: 'CONFIG_INVALID',
  BROKER_TOPOLOGY_INVALID: 'TOPOLOGY_MISMATCH',
  BROKER_STORE_FULL: 'QUOTA_EXCEEDED',
  BROKER_STOPPED: 'CONNECTION_FAILED',
  BROKER_NOT_QUIET: 'BROKER_NOT_QUIET',
  BROKER_CLOCK_REAL: 'BROKER_CLOCK_REAL',
  BROKER_NOT_CONTROLLED: 'BROKER_NOT_CONTROLLED',
  BROKER_FAULT_INVALID: 'USAGE',
  BROKER_USAGE: 'USAGE',
  // Not about its data or the network: a bug.
  BROKER_FAILED: 'INTERNAL',
};

export function codeOfBroker(code: BrokerErrorCode): ErrorCode {
  return CODES[code];
}

export function fromBrokerError(error: BrokerError): QuorateError {
  return new QuorateError(codeOfBroker(error.code), error.message, { cause: error });
}

/** Without its class, which lives in a part that is loaded on demand. */
export function isBrokerError(thrown: unknown): thrown is BrokerError {
  return thrown instanceof Error && thrown.name === 'BrokerError' && Object.hasOwn(CODES, codeOf(thrown));
}

function codeOf(error: Error): string {
  return String((error as { code?: unknown }).code);
}
