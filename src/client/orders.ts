// Orders to the actors that keep what all processes share: each is answered with how things are then. Repeats carry one id, since the
// actor may be on its way to another host, and are carried out once. Who only looks asks without a turn.
import { randomUUID } from 'node:crypto';
import { type ControlTarget, toControl, toLook } from '../actors/protocol/control.ts';
import { type ControlKind, kindOfSession } from '../contract/control.ts';
import { CONTROL } from '../contract/entities.ts';
import { fromErrorJson, QuorateError } from '../contract/errors.ts';
import type { EventJson, Json } from '../contract/json.ts';
import type { LimitCall } from '../contract/limits.ts';
import type { Bridge } from '../contract/ports.ts';
import type { Requests } from '../mailbox/requests.ts';

const TIMEOUT_MS = 60_000;
const REPEAT_MS = 1_000;
const PAGE = 100;

/** `what` is the order. Throws RESULT_TIMEOUT, or what the actor answers with. */
export async function giveOrder(
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

/** What the same order would be answered with, read from the committed state: no turn, no commit. Throws as `giveOrder`. */
export async function lookAt(
  requests: Pick<Requests, 'ask'>,
  target: ControlTarget,
  what: Readonly<Record<string, unknown>>,
  call: LimitCall = {},
): Promise<Json> {
  const { kind, name } = target;
  const { timeoutMs = TIMEOUT_MS, signal } = call;
  const answer = await requests.ask((from) => toLook(target, what, from, timeoutMs), {
    timeoutMs,
    signal,
    repeatMs: REPEAT_MS,
    onTimeout: () => late(kind, name),
  });
  if (answer.answer === 'outcome' && answer.outcome.status === 'done') return answer.outcome.output;
  const isMissing = answer.answer === 'error' && answer.error.code === 'ACTOR_NOT_FOUND';
  // Not made yet, or a host that shows nothing.
  if (isMissing || answer.answer === 'snapshot') return giveOrder(requests, target, what, call);
  throw answer.answer === 'error' ? fromErrorJson(answer.error) : new Error(`unexpected answer of ${kind}`);
}

/** All of a kind, by the names of their sessions. */
export async function sessionsOf(
  bridge: Pick<Bridge, 'listSessions'>,
  kind: ControlKind,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let skip = 0; ; ) {
    const { ids, listed } = await bridge.listSessions(CONTROL, { skip, top: PAGE }).catch(noneWithoutQueue);
    found.push(...ids.filter((id) => kindOfSession(id) === kind));
    if (listed < PAGE) return found;
    skip += listed;
  }
}

function late(kind: ControlKind, name: string): QuorateError {
  return new QuorateError(
    'RESULT_TIMEOUT',
    `${kind} '${name}' did not answer in time: does a host of it run?`,
  );
}

/** Where nothing is configured that processes share there is no queue. */
function noneWithoutQueue(thrown: unknown): { readonly ids: readonly string[]; readonly listed: number } {
  if (thrown instanceof QuorateError && thrown.code === 'TOPOLOGY_MISMATCH') return { ids: [], listed: 0 };
  throw thrown;
}
