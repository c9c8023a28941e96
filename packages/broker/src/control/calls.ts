/** The control of a broker in another thread or process: every call by name, with plain arguments. */
import type { AdvanceOptions, BrokerControl } from './control.ts';
import type { Fault, FaultStatus } from './fault.ts';

/** What each call does where the broker runs. */
export const CONTROL_CALLS = {
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
