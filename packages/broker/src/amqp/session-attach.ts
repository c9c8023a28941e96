// A receiver that asks for a session, by name or for the next that is free: it waits, and gets one or
// learns that no session is free.
import { DOTNET_EPOCH_MS, TICKS_PER_MS } from '../codec/values.ts';
import type { Act } from '../control/match.ts';
import type { Core } from '../core/core.ts';
import type { Queue } from '../core/queue.ts';
import type { Hold } from '../core/records.ts';
import type { SessionDelivery } from '../core/session-delivery.ts';
import type { SessionWaiter } from '../core/session-line.ts';
import { ServiceError, serviceErrors } from '../errors.ts';
import type { ConnectedClient } from './connected-client.ts';
import { ReceiverLink } from './receiver-link.ts';
import {
  holdLink,
  localAttach,
  openLink,
  remoteProperties,
  remoteSource,
  type Sender,
  types,
} from './rhea.ts';

const TIMEOUT = 'com.microsoft:timeout';
const LOCKED_UNTIL = 'com.microsoft:locked-until-utc';
/** How long the service waits for a session when the client does not say. */
const DEFAULT_WAIT_MS = 60_000;

/**
 * A receiver that asks for a session: a named one is granted or refused at once, the next one as soon as some
 * session has messages and no holder, for as long as the client asked to wait.
 * Returns what to do when the link goes away.
 */
export function attachSession(
  core: Core,
  client: ConnectedClient,
  sender: Sender,
  queue: Queue,
  sessions: SessionDelivery,
  wanted: string | null,
  refuse: (sender: Sender, error: ServiceError) => void,
): () => void {
  const link = new ReceiverLink(sender, queue, client);
  let hold: Hold | undefined;
  /** What the client hears comes later than rhea would say it. */
  let held = false;
  let answered = false;
  let gone = false;
  const answer = (result: Hold | ServiceError) => {
    if (gone) return;
    answered = true;
    if (held) openLink(sender);
    if (result instanceof ServiceError) return refuse(sender, result);
    link.feed = () => sessions.feed(result);
    announce(core, sender, result);
    link.begin();
  };

  let timeOut = () => {};
  const alarm = core.clientAlarms.create(() => timeOut());
  let waiter: SessionWaiter | undefined;
  const find = (found: (result: Hold | ServiceError) => void) => {
    if (gone) return;
    const take = (granted: Hold) => {
      hold = granted;
      alarm.set(undefined);
      core.counters.add('sessions.accepted');
      found(granted);
    };
    if (wanted !== null) {
      const granted = sessions.acceptNamed(wanted, link);
      return granted instanceof ServiceError ? found(granted) : take(granted);
    }
    const waiting = { consumer: link, waiting: true, accepted: take };
    waiter = waiting;
    timeOut = () => {
      sessions.stopWaiting(waiting);
      found(serviceErrors.timeout());
    };
    alarm.set(core.clientAlarms.now() + waitMs(sender));
    sessions.acceptNext(waiting);
  };

  if (core.faults.armed) core.faults.through(accepting(), find, answer);
  else find(answer);
  if (!answered) {
    held = true;
    holdLink(sender);
  }
  return () => {
    // The attach must be answered before the detach that follows from rhea.
    if (!answered) openLink(sender);
    gone = true;
    if (waiter) sessions.stopWaiting(waiter);
    alarm.set(undefined);
    link.closed();
    if (hold) sessions.giveUp(hold);
  };

  /** Which session it is about may be known only when one has been found. */
  function accepting(): Act {
    const id = () => hold?.session.id ?? wanted ?? undefined;
    return {
      operation: 'accept',
      entity: queue.path,
      client,
      get session() {
        return id();
      },
      get lock() {
        const session = id();
        return session === undefined ? undefined : { session };
      },
    };
  }
}

function waitMs(sender: Sender): number {
  const asked = remoteProperties(sender)[TIMEOUT];
  return typeof asked === 'number' && asked >= 0 ? asked : DEFAULT_WAIT_MS;
}

function announce(core: Core, sender: Sender, hold: Hold): void {
  const attach = localAttach(sender);
  const filter = grantedSession(remoteSource(sender)?.filter, hold.session.id);
  sender.set_source({ address: sender.source?.address ?? '', filter });
  const ticks = Buffer.alloc(8);
  const until = BigInt(Math.floor(core.onClients(hold.until)));
  ticks.writeBigInt64BE((until + DOTNET_EPOCH_MS) * TICKS_PER_MS);
  attach.properties = { [LOCKED_UNTIL]: types.wrap_long(ticks) };
}

// The filter of an attach that asks for a session: a name, or null for the next one. Most clients send it plain, the one
// for Go as a described value, and go-amqp reads no other in the answer (`Filter.Unmarshal` in its exported_types.go).

const SESSION_FILTER = 'com.microsoft:session-filter';

type Filters = Readonly<Record<string, unknown>> | null | undefined;

/** Undefined = no session is asked for; a ServiceError = something that is no session. */
export function askedSession(filters: Filters): string | null | undefined | ServiceError {
  if (!filters || !(SESSION_FILTER in filters)) return undefined;
  const asked = filters[SESSION_FILTER];
  const value = isDescribed(asked) ? asked.value : asked;
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  return serviceErrors.invalid('The session id in the session filter is neither a string nor null.');
}

/** The answer names the session in the shape of the question. */
function grantedSession(filters: Filters, id: string): Record<string, unknown> {
  const asked = filters?.[SESSION_FILTER];
  return { [SESSION_FILTER]: isDescribed(asked) ? types.wrap_described(id, asked.descriptor.value) : id };
}

interface Described {
  readonly value: unknown;
  readonly descriptor: { readonly value: string | number };
}

function isDescribed(value: unknown): value is Described {
  return (
    typeof value === 'object' && value !== null && 'descriptor' in value && value.descriptor !== undefined
  );
}
