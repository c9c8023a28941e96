// Limits looked at and changed while they run: orders to their limiters, which answer with how they are then.
import { randomUUID } from 'node:crypto';
import { toControl } from '../actors/protocol/control.ts';
import { type ControlKind, controlAddress, kindOfSession } from '../contract/control.ts';
import { CONTROL } from '../contract/entities.ts';
import { fromErrorJson, QuorateError } from '../contract/errors.ts';
import type { EventJson } from '../contract/json.ts';
import type { LimitCall, LimitChange, LimitStatus, SharedLimits } from '../contract/limits.ts';
import type { Bridge } from '../contract/ports.ts';
import type { Requests } from '../mailbox/requests.ts';

const TIMEOUT_MS = 60_000;
/** The limiter may be on its way to another host. */
const REPEAT_MS = 1_000;
const PAGE = 100;
const HIGHEST = 1_000_000_000;

export function createSharedLimits(
  bridge: Pick<Bridge, 'listSessions'>,
  requests: Pick<Requests, 'ask'>,
): SharedLimits {
  const prefix = controlAddress('limit', '').id;
  const list = async (): Promise<readonly string[]> =>
    (await sessionsOf(bridge, 'limit')).map((id) => id.slice(prefix.length)).toSorted();
  const order = async (
    name: string,
    what: Readonly<Record<string, LimitChange | boolean>>,
    { timeoutMs = TIMEOUT_MS, signal }: LimitCall = {},
  ): Promise<LimitStatus> => {
    const known = await list();
    if (!known.includes(name)) {
      const there = known.length === 0 ? 'no limit is in use here' : `there are ${known.join(', ')}`;
      throw new QuorateError('LIMIT_NOT_FOUND', `no process has asked for a limit '${name}': ${there}`);
    }
    // The same for each repeat: it is carried out once.
    const id = randomUUID();
    const answer = await requests.ask(
      (from) => {
        const event = { type: 'order', id, from: { ...from }, ...what } as EventJson;
        return toControl({ kind: 'limit', name }, event, randomUUID());
      },
      {
        timeoutMs,
        signal,
        repeatMs: REPEAT_MS,
        onTimeout: () =>
          new QuorateError(
            'RESULT_TIMEOUT',
            `limit '${name}' did not answer in time: does a host of it run?`,
          ),
      },
    );
    if (answer.answer === 'outcome' && answer.outcome.status === 'done')
      return answer.outcome.output as unknown as LimitStatus;
    throw answer.answer === 'error'
      ? fromErrorJson(answer.error)
      : new Error('unexpected answer of a limiter');
  };
  return {
    list,
    get: (name, call) => order(name, {}, call),
    set: async (name, change, call) => order(name, { settings: checked(change) }, call),
    pause: (name, call) => order(name, { stop: true }, call),
    resume: (name, call) => order(name, { stop: false }, call),
  };
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

function checked({ requestsPerMinute, tokensPerMinute, concurrent }: LimitChange): LimitChange {
  const given = Object.entries({ requestsPerMinute, tokensPerMinute, concurrent }).filter(
    (entry): entry is [string, number] => entry[1] !== undefined,
  );
  for (const [field, value] of given)
    if (!Number.isInteger(value) || value < 1 || value > HIGHEST)
      throw new QuorateError('INPUT_INVALID', `${field} must be a whole number from 1 to ${HIGHEST}`);
  if (given.length === 0)
    throw new QuorateError('INPUT_INVALID', 'say requestsPerMinute, tokensPerMinute or concurrent');
  return Object.fromEntries(given);
}

/** Where nothing is configured that processes share there is no queue. */
function noneWithoutQueue(thrown: unknown): { readonly ids: readonly string[]; readonly listed: number } {
  if (thrown instanceof QuorateError && thrown.code === 'TOPOLOGY_MISMATCH') return { ids: [], listed: 0 };
  throw thrown;
}
