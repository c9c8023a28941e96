// Admission as a process is configured: who tells how long tasks waited, and who asks before a new run is started. In virtual time no task
// waits in a queue: a test says how long they do.
import { createWaitReports, type WaitReports } from '../actors/agents/task/wait-reports.ts';
import { type Admission, createAdmission, createAskingAdmission } from '../actors/host/admission.ts';
import type { ResolvedConfig } from '../contract/config.ts';
import type { Clock, Logger } from '../contract/ports.ts';
import type { InboundMessage } from '../contract/wire.ts';
import type { ControlMailbox } from '../mailbox/control-mailbox.ts';

interface Process {
  readonly config: Pick<ResolvedConfig, 'admission'>;
  readonly mailbox: ControlMailbox;
  readonly logger: Logger;
  readonly clock: Clock;
}

export const DEFAULT_INTERVAL_MS = 5_000;

export function waitReportsOf({ config, mailbox, logger, clock }: Process): WaitReports | undefined {
  if (config.admission === undefined || clock.skips === true) return undefined;
  const { maxWaitMs, intervalMs = DEFAULT_INTERVAL_MS } = config.admission;
  return createWaitReports({ maxWaitMs, intervalMs, mailbox, logger });
}

/** For the hosts of actors; nothing where nothing is configured. */
export function admissionOf({ config, mailbox, logger, clock }: Process): { readonly admission?: Admission } {
  if (config.admission === undefined) return {};
  const { maxWaitMs } = config.admission;
  if (clock.skips === true) return { admission: createAskingAdmission({ maxWaitMs, mailbox }) };
  return { admission: createAdmission({ maxWaitMs, mailbox, logger, now: () => performance.now() }) };
}

type Handler<A extends unknown[], R> = (message: InboundMessage, ...more: A) => R;

/** The handler itself where nobody is to be told. */
export function reporting<A extends unknown[], R>(
  waits: WaitReports | undefined,
  name: string,
  agent: Parameters<WaitReports['of']>[1],
  handle: Handler<A, R>,
): Handler<A, R> {
  if (waits === undefined) return handle;
  const waited = waits.of(name, agent);
  return (message, ...more) => {
    waited(message);
    return handle(message, ...more);
  };
}
