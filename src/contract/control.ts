// Names of the actors that keep what all processes share: limits, lanes, tenants, admission, questions, orders. They are machines of Quorate under
// reserved types, in one session queue, and users never see them (docs/control.md). Their algorithm is a pure reducer.
import type { ActorAddress } from './address.ts';
import type { ReplyAddress } from './effect.ts';
import type { EventJson, Json } from './json.ts';

/** How urgent work is beside other work of the same tenant. */
export type Priority = 'high' | 'normal' | 'low';
export const PRIORITIES: readonly Priority[] = ['high', 'normal', 'low'];
export const MAX_TENANT_LENGTH = 128;

/** Said at the start of a run; its children and tasks inherit it. */
export interface OnBehalf {
  /** On whose behalf it runs: 1 to 128 characters. Lanes share an agent between tenants, and budgets are theirs. */
  readonly tenant?: string;
  /** Default 'normal'. Within a tenant, lanes let high before low. */
  readonly priority?: Priority;
}

/** What such an actor is: its type is this with `$` before it. */
export type ControlKind = 'limit' | 'lane' | 'tenant' | 'admission' | 'asks' | 'orders';

/** No type of a user's begins so. */
const RESERVED = '$';
const SEPARATOR = ':';

export function isReservedType(type: string): boolean {
  return type.startsWith(RESERVED);
}

/** The actor that keeps the limit, lane or tenant of that name. All kinds share a queue, so its id names the kind too. */
export function controlAddress(kind: ControlKind, name: string): ActorAddress {
  return { type: `${RESERVED}${kind}`, id: `${kind}${SEPARATOR}${name}` };
}

/** The kind that a session of the control queue is of; a text that is no kind here where a later version made it. */
export function kindOfSession(sessionId: string): string {
  const at = sessionId.indexOf(SEPARATOR);
  return at < 0 ? '' : sessionId.slice(0, at);
}

/** The name of an action by which these machines answer; its params are a ControlAnswer. */
export const ANSWER_ACTION = 'quorate.answer';

/** To a process (a session of `replies`), or to an actor's own session, where it comes as `granted`. */
export interface ControlAnswer {
  readonly to: ReplyAddress;
  readonly value: Json;
}

/** The name of an action by which they have an agent told something; its params are a ControlNotice. */
export const NOTIFY_ACTION = 'quorate.notify';

/** A task that nobody waits for: what becomes of it is the agent's. */
export interface ControlNotice {
  readonly agent: string;
  readonly input: Json;
}

export interface Reduced<S> {
  readonly state: S;
  readonly answers: readonly ControlAnswer[];
  readonly notices?: readonly ControlNotice[];
  /** When it wants to look again if nothing comes before (epoch ms): it gets an event of type `wake` then. */
  readonly wakeAt?: number;
}

/**
 * `state` is undefined for the first event. It must take any event: one that it does not know changes nothing. `now` is the
 * broker's clock and may go back a little, as when another host takes over: a reducer goes by the latest that it has seen.
 */
export type Reducer<S> = (state: S | undefined, event: EventJson, now: number) => Reduced<S>;
