// Loaded into a real host with `node --import`: logs every commit the host makes, and kills the host at the one it is told.
// It wraps the SDK's own call, so that the product needs no switch for it.
//   QUORATE_TEST_COMMITS  file to append one line a commit to: `type state#status`
//   QUORATE_TEST_KILL     JSON { label?, nth, when: 'before' | 'after', draining?: true }
import { appendFileSync } from 'node:fs';
import type { ServiceBusSessionReceiver } from '@azure/service-bus';
import { ServiceBusClient } from '@azure/service-bus';

interface KillPlan {
  /** Counts only commits with this label; every commit when left out. */
  readonly label?: string;
  readonly nth: number;
  readonly when: 'before' | 'after';
  /** Counts only commits after SIGTERM; dies at the exit if there are not so many. */
  readonly draining?: boolean;
}

interface State {
  readonly type?: string;
  readonly core?: { readonly status: string; readonly snapshot: { readonly value: unknown } } | null;
}

const log = process.env['QUORATE_TEST_COMMITS'];
const plan = JSON.parse(process.env['QUORATE_TEST_KILL'] ?? 'null') as KillPlan | null;
let seen = 0;
let draining = false;

if (plan?.draining === true) {
  process.prependListener('SIGTERM', () => {
    draining = true;
  });
  process.on('exit', () => process.kill(process.pid, 'SIGKILL'));
}

function labelOf(state: State | null): string {
  if (state === null) return 'none';
  const value = state.core?.snapshot.value;
  const path = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  return `${state.type ?? '?'} ${path}#${state.core?.status ?? 'none'}`;
}

/** Whether the host dies at this commit. */
function isTheOne(label: string): boolean {
  if (plan === null || (plan.draining === true && !draining)) return false;
  if (plan.label !== undefined && plan.label !== label) return false;
  seen += 1;
  return seen === plan.nth;
}

const die = (): void => process.kill(process.pid, 'SIGKILL') as never;

type Accept = (this: ServiceBusClient, ...args: unknown[]) => Promise<ServiceBusSessionReceiver>;
const { acceptNextSession: accept } = ServiceBusClient.prototype as unknown as {
  readonly acceptNextSession: Accept;
};

async function acceptWatched(this: ServiceBusClient, ...args: unknown[]): Promise<ServiceBusSessionReceiver> {
  const receiver = await accept.apply(this, args);
  const write = receiver.setSessionState.bind(receiver);
  receiver.setSessionState = async (state: unknown, options) => {
    const label = labelOf(state as State | null);
    const dies = isTheOne(label);
    if (dies && plan?.when === 'before') die();
    await write(state, options);
    if (log !== undefined) appendFileSync(log, `${label}\n`);
    if (dies) die();
  };
  return receiver;
}

ServiceBusClient.prototype.acceptNextSession = acceptWatched;
