// Limits looked at and changed while they run: orders to their limiters, which answer with how they are then. A look is no order.
import { QuorateError } from '../contract/errors.ts';
import type { LimitCall, LimitChange, LimitStatus, SharedLimits } from '../contract/limits.ts';
import type { Bridge } from '../contract/ports.ts';
import type { Requests } from '../mailbox/requests.ts';
import { giveOrderTo, namesOf, someNamesOf } from './orders.ts';

const HIGHEST = 1_000_000_000;

export function createSharedLimits(
  bridge: Pick<Bridge, 'listSessions'>,
  requests: Pick<Requests, 'ask'>,
): SharedLimits {
  const order = async (
    name: string,
    what: Readonly<Record<string, LimitChange | boolean>>,
    call: LimitCall | undefined,
  ): Promise<LimitStatus> => {
    const status = await giveOrderTo({ bridge, requests }, { kind: 'limit', name }, what, call);
    if (status !== undefined) return status as unknown as LimitStatus;
    const known = await someNamesOf(bridge, 'limit');
    const there = known.length === 0 ? 'no limit is in use here' : `there are ${known.join(', ')}`;
    throw new QuorateError('LIMIT_NOT_FOUND', `no process has asked for a limit '${name}': ${there}`);
  };
  return {
    list: () => namesOf(bridge, 'limit'),
    get: (name, call) => order(name, {}, call),
    set: async (name, change, call) => order(name, { settings: checked(change) }, call),
    pause: (name, call) => order(name, { stop: true }, call),
    resume: (name, call) => order(name, { stop: false }, call),
  };
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
