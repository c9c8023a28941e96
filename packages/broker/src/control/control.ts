// What a test steers from outside the wire, the broker's time and what goes wrong; and the same calls by name, for a broker in
// another thread or process.
import type { Fault, FaultStatus, Faults } from './fault.ts';

/** How patient `advance` is. */
export interface AdvanceOptions {
  /** How long a client may sit on a message without anything else happening before `advance` gives up; default 10 s. */
  readonly patienceMs?: number;
}

/** The broker's time and its faults: what tests steer that no client may. */
export interface BrokerControl {
  /**
   * Skips virtual time: from one due entry to the next, and on only when what it set off has been handled. Resolves
   * with the new time. Throws BROKER_NOT_QUIET, with the time where it got to, and BROKER_CLOCK_REAL without a
   * virtual clock.
   */
  advance(ms: number, options?: AdvanceOptions): Promise<number>;
  /** When the next entry is due (a scheduled message, an expiry, a lock whose link is gone); undefined = nothing is. */
  nextDue(): Promise<number | undefined>;
  readonly faults: Faults;
}

// The control of a broker in another thread or process: every call by name, with plain arguments.

/** What each call does where the broker runs. */
const CONTROL_CALLS = {
  advance: (control: BrokerControl, ms: number, options?: AdvanceOptions) => control.advance(ms, options),
  nextDue: (control: BrokerControl) => control.nextDue(),
  injectFault: ({ faults }: BrokerControl, fault: Fault) => faults.inject(fault),
  clearFault: ({ faults }: BrokerControl, id?: string) => faults.clear(id),
  listFaults: ({ faults }: BrokerControl) => faults.list(),
  faultTriggered: ({ faults }: BrokerControl, id: string, count?: number) => faults.triggered(id, count),
} as const;

export type ControlCall = keyof typeof CONTROL_CALLS;

export function isControlCall(name: string): name is ControlCall {
  return Object.hasOwn(CONTROL_CALLS, name);
}

export function runControlCall(
  control: BrokerControl,
  name: ControlCall,
  args: readonly unknown[],
): Promise<unknown> {
  const call = CONTROL_CALLS[name] as (
    control: BrokerControl,
    ...args: readonly unknown[]
  ) => Promise<unknown>;
  return call(control, ...args);
}

/** The same control on the caller's side. */
export function remoteControl(
  call: (name: ControlCall, args: readonly unknown[]) => Promise<unknown>,
): BrokerControl {
  return {
    advance: async (...args) => (await call('advance', args)) as number,
    nextDue: async () => (await call('nextDue', [])) as number | undefined,
    faults: {
      inject: async (fault) => (await call('injectFault', [fault])) as string,
      clear: async (...args) => void (await call('clearFault', args)),
      list: async () => (await call('listFaults', [])) as FaultStatus[],
      triggered: async (...args) => void (await call('faultTriggered', args)),
    },
  };
}
