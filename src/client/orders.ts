// Orders to the actors that keep what all processes share: each is answered with how things are then. Repeats carry one id, since the
// actor may be on its way to another host, and are carried out once. Who only looks asks without a turn.
import { randomUUID } from 'node:crypto';
import { type ControlTarget, toControl, toLook } from '../actors/protocol/control.ts';
import { type ControlKind, controlAddress } from '../contract/control.ts';
import { CONTROL } from '../contract/entities.ts';
import { fromErrorJson, QuorateError } from '../contract/errors.ts';
import type { EventJson, Json } from '../contract/json.ts';
import type { LimitCall } from '../contract/limits.ts';
import type { Bridge } from '../contract/ports.ts';
import { ORDERS, type Order, type OrdersView } from '../control/orders/protocol.ts';
import type { Requests } from '../mailbox/requests.ts';

const TIMEOUT_MS = 60_000;
const REPEAT_MS = 1_000;
const PAGE = 100;

/** `what` is the order. Throws RESULT_TIMEOUT, or what the actor answers with. */
async function giveOrder(
  requests: Pick<Requests, 'ask'>,
  target: ControlTarget,
  what: Readonly<Record<string, unknown>>,
  { timeoutMs = TIMEOUT_MS, signal }: LimitCall = {},
): Promise<Json> {
  const id = randomUUID();
  const { kind, name } = target;
  const answer = await requests.ask(
    (from) => {
      const event = { type: 'order', id, from: { ...from }, ...what } as unknown as EventJson;
      return toControl(target, event, randomUUID());
    },
    {
      timeoutMs,
      signal,
      repeatMs: REPEAT_MS,
      onTimeout: () => late(kind, name),
    },
  );
  if (answer.answer === 'outcome' && answer.outcome.status === 'done') return answer.outcome.output;
  throw answer.answer === 'error' ? fromErrorJson(answer.error) : new Error(`unexpected answer of ${kind}`);
}

/**
 * What the same order would be answered with, read from the committed state: no turn, no commit. Undefined where there is no such
 * actor. Throws as `giveOrder`.
 */
async function lookAt(
  requests: Pick<Requests, 'ask'>,
  target: ControlTarget,
  what: Readonly<Record<string, unknown>>,
  call: LimitCall = {},
): Promise<Json | undefined> {
  const { kind, name } = target;
  const { timeoutMs = TIMEOUT_MS, signal } = call;
  const answer = await requests.ask((from) => toLook(target, what, from, timeoutMs), {
    timeoutMs,
    signal,
    repeatMs: REPEAT_MS,
    onTimeout: () => late(kind, name),
  });
  if (answer.answer === 'outcome' && answer.outcome.status === 'done') return answer.outcome.output;
  if (answer.answer === 'error' && answer.error.code === 'ACTOR_NOT_FOUND') return undefined;
  // A host that shows nothing: there is one.
  if (answer.answer === 'snapshot') return giveOrder(requests, target, what, call);
  throw answer.answer === 'error' ? fromErrorJson(answer.error) : new Error(`unexpected answer of ${kind}`);
}

/** As `giveOrder`, to an actor that has to be there: an order would make one that is not. With nothing ordered a look. Undefined where it is not there. */
export async function giveOrderTo(
  reach: Reach,
  target: ControlTarget,
  what: Readonly<Record<string, unknown>>,
  call: LimitCall = {},
): Promise<Json | undefined> {
  if (Object.keys(what).length === 0) return lookAtIfThere(reach, target, what, call);
  const known = await isListed(reach.bridge, target);
  const isThere = known ?? (await lookAt(reach.requests, target, {}, call)) !== undefined;
  return isThere ? giveOrder(reach.requests, target, what, call) : undefined;
}

/** As `lookAt`; where nothing was ever made no host is waited for. */
export async function lookAtIfThere(
  { bridge, requests }: Reach,
  target: ControlTarget,
  what: Readonly<Record<string, unknown>>,
  call: LimitCall = {},
): Promise<Json | undefined> {
  return (await isListed(bridge, target)) === false ? undefined : lookAt(requests, target, what, call);
}

/** By one page of the queue's sessions, however many there are. Undefined where that does not say it: the actor itself is to be asked. */
async function isListed(
  bridge: Reach['bridge'],
  { kind, name }: ControlTarget,
): Promise<boolean | undefined> {
  const { id } = controlAddress(kind, name);
  const { ids, listed } = await pageOf(bridge, id, 0);
  if (ids.includes(id)) return true;
  return listed < PAGE ? false : undefined;
}

interface Reach {
  readonly bridge: Pick<Bridge, 'listSessions'>;
  readonly requests: Pick<Requests, 'ask'>;
}

const KEEPER: ControlTarget = { kind: 'orders', name: ORDERS };

/** What is ordered of all processes; undefined where none has followed yet. Throws as `giveOrder`. */
export async function lookAtAll(reach: Reach, call: LimitCall | undefined): Promise<OrdersView | undefined> {
  return (await giveOrderTo(reach, KEEPER, {}, call)) as unknown as OrdersView | undefined;
}

/** Orders something of all processes. Throws NOT_FOLLOWED where none has followed yet, and as `giveOrder`. */
export async function orderAll(
  reach: Reach,
  what: Omit<Order, 'type' | 'id' | 'from'>,
  call: LimitCall | undefined,
): Promise<OrdersView> {
  const view = await giveOrderTo(reach, KEEPER, { ...what }, call);
  if (view === undefined)
    throw new QuorateError('NOT_FOLLOWED', 'no process follows what is ordered at run time');
  return view as unknown as OrdersView;
}

/** Names of all of a kind, sorted. The service lists the sessions of a queue only as a whole: a request for every hundred of all kinds. */
export async function namesOf(
  bridge: Pick<Bridge, 'listSessions'>,
  kind: ControlKind,
): Promise<readonly string[]> {
  const { id: prefix } = controlAddress(kind, '');
  const found: string[] = [];
  for (let skip = 0; ; ) {
    const { ids, listed } = await pageOf(bridge, prefix, skip);
    found.push(...ids.map((id) => id.slice(prefix.length)));
    if (listed < PAGE) return found.toSorted();
    skip += listed;
  }
}

/** Some of them, for a hint: those among the first hundred of all kinds. */
export async function someNamesOf(
  bridge: Pick<Bridge, 'listSessions'>,
  kind: ControlKind,
): Promise<readonly string[]> {
  const { id: prefix } = controlAddress(kind, '');
  const { ids } = await pageOf(bridge, prefix, 0);
  return ids.map((id) => id.slice(prefix.length)).toSorted();
}

/** Where nothing is configured that processes share there is no queue. */
async function pageOf(
  bridge: Pick<Bridge, 'listSessions'>,
  prefix: string,
  skip: number,
): ReturnType<Bridge['listSessions']> {
  try {
    return await bridge.listSessions(CONTROL, { skip, top: PAGE, prefix });
  } catch (thrown) {
    if (thrown instanceof QuorateError && thrown.code === 'TOPOLOGY_MISMATCH') return { ids: [], listed: 0 };
    throw thrown;
  }
}

function late(kind: ControlKind, name: string): QuorateError {
  return new QuorateError(
    'RESULT_TIMEOUT',
    `${kind} '${name}' did not answer in time: does a host of it run?`,
  );
}
