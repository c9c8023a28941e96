import type { Core } from '../core/core.ts';
import type { Queue } from '../core/queue.ts';
import type { Hold } from '../core/records.ts';
import type { SessionDelivery, SessionWaiter } from '../core/session-delivery.ts';
import { ServiceError, serviceErrors } from '../errors.ts';
import { ReceiverLink } from './receiver-link.ts';
import { holdLink, localAttach, openLink, remoteProperties, type Sender, types } from './rhea.ts';

export const SESSION_FILTER = 'com.microsoft:session-filter';
const TIMEOUT = 'com.microsoft:timeout';
const LOCKED_UNTIL = 'com.microsoft:locked-until-utc';
/** How long the service waits for a session when the client does not say. */
const DEFAULT_WAIT_MS = 60_000;
/** From year 1, where .NET begins to count, to 1970. */
const DOTNET_EPOCH_MS = 62_135_596_800_000n;
const TICKS_PER_MS = 10_000n;

/**
 * A receiver that asks for a session: a named one is granted or refused at once, the next one as soon as some
 * session has messages and no holder, for as long as the client asked to wait.
 * Returns what to do when the link goes away.
 */
export function attachSession(
  core: Core,
  sender: Sender,
  queue: Queue,
  sessions: SessionDelivery,
  wanted: string | null,
  refuse: (sender: Sender, error: ServiceError) => void,
): () => void {
  const link = new ReceiverLink(sender, queue);
  let hold: Hold | undefined;
  const grant = (granted: Hold) => {
    hold = granted;
    link.feed = () => sessions.feed(granted);
    announce(sender, granted);
    core.counters.add('sessions.accepted');
  };
  const release = () => {
    link.closed();
    if (hold) sessions.giveUp(hold);
  };

  if (wanted !== null) {
    const granted = sessions.acceptNamed(wanted, link);
    if (granted instanceof ServiceError) refuse(sender, granted);
    else grant(granted);
    return release;
  }

  let held = false;
  const alarm = core.alarms.create(() => {
    waiter.waiting = false;
    openLink(sender);
    refuse(sender, serviceErrors.timeout());
  });
  const waiter: SessionWaiter = {
    consumer: link,
    waiting: true,
    accepted(granted) {
      alarm.set(undefined);
      grant(granted);
      if (held) openLink(sender);
    },
  };
  sessions.acceptNext(waiter);
  if (waiter.waiting) {
    held = true;
    holdLink(sender);
    alarm.set(core.alarms.now() + waitMs(sender));
  }
  return () => {
    // The attach must be answered before the detach that follows from rhea.
    if (waiter.waiting) openLink(sender);
    waiter.waiting = false;
    alarm.set(undefined);
    release();
  };
}

function waitMs(sender: Sender): number {
  const asked = remoteProperties(sender)[TIMEOUT];
  return typeof asked === 'number' && asked > 0 ? asked : DEFAULT_WAIT_MS;
}

function announce(sender: Sender, hold: Hold): void {
  const attach = localAttach(sender);
  sender.set_source({ address: sender.source?.address ?? '', filter: { [SESSION_FILTER]: hold.session.id } });
  const ticks = Buffer.alloc(8);
  ticks.writeBigInt64BE((BigInt(Math.floor(hold.until)) + DOTNET_EPOCH_MS) * TICKS_PER_MS);
  attach.properties = { [LOCKED_UNTIL]: types.wrap_long(ticks) };
}
