// What the two sides of the broker's thread say to each other.
import type { ControlCall } from '../control/control.ts';
import type { BrokerErrorCode } from '../errors.ts';
import type { Broker, BrokerEnd, BrokerOptions } from '../options.ts';

// What the two sides of the broker's thread say to each other.

export interface ThreadData {
  kind: 'quorate-broker';
  options: Omit<BrokerOptions, 'clock'>;
  /** Memory of a virtual clock, which both sides read. */
  time: SharedArrayBuffer | undefined;
  pulse: SharedArrayBuffer;
}

export type CallName = 'declare' | 'status' | 'counters' | 'stop';

export type ToThread =
  | { [Name in CallName]: { id: number; name: Name; args: Parameters<Broker[Name]> } }[CallName]
  | { id: number; name: ControlCall; args: readonly unknown[] };

export interface ThreadFailure {
  code: BrokerErrorCode;
  message: string;
  details: Record<string, unknown>;
}

export type FromThread =
  | { kind: 'ready'; port: number; connectionString: string; caFile: string | undefined }
  | { kind: 'refused'; failure: ThreadFailure }
  | { kind: 'result'; id: number; value: unknown }
  | { kind: 'error'; id: number; failure: ThreadFailure }
  | { kind: 'closed'; end: BrokerEnd };
