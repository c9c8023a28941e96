// `quorate actors send`: asks whether the actor is there before it sends the event, because a person wants to know.
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import type { QuorateClient } from '../../contract/client.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import type { QueryAnswer } from '../../contract/wire.ts';

/** Long enough for any host; without one the event waits for it. */
export const QUERY_TIMEOUT_MS = 10_000;

export interface SentEvent {
  readonly outcome: 'sent' | 'waits';
  readonly why?: string;
}

/** Throws ACTOR_NOT_FOUND and ACTOR_ENDED; nothing was sent then. With `start` the actor need not be there. */
export async function sendEvent(
  client: Pick<QuorateClient, 'query' | 'send'>,
  { type, id }: ActorAddress,
  event: EventJson,
  start?: { readonly input: Json },
): Promise<SentEvent> {
  const found = await lookAt(client, { type, id });
  const name = formatAddress({ type, id });
  if (found === 'absent' && start === undefined)
    throw new QuorateError('ACTOR_NOT_FOUND', `no actor ${name}: nothing was sent; --start would start it`);
  if (typeof found === 'object' && found.status !== 'active')
    throw new QuorateError('ACTOR_ENDED', `${name} has ended: ${found.status}; nothing was sent`);
  await client.send(type, id, event, start === undefined ? {} : { start });
  if (found === 'silent') return { outcome: 'waits', why: `no host of ${type} has answered` };
  if (found === 'absent' || found.quarantine === undefined) return { outcome: 'sent' };
  const { code, message } = found.quarantine;
  return { outcome: 'waits', why: `${name} is quarantined: ${code}: ${message}` };
}

async function lookAt(
  client: Pick<QuorateClient, 'query'>,
  { type, id }: ActorAddress,
): Promise<Pick<QueryAnswer, 'status' | 'quarantine'> | 'absent' | 'silent'> {
  try {
    return await client.query(type, id, { timeoutMs: QUERY_TIMEOUT_MS });
  } catch (thrown) {
    if (thrown instanceof QuorateError && thrown.code === 'ACTOR_NOT_FOUND') return 'absent';
    if (thrown instanceof QuorateError && thrown.code === 'RESULT_TIMEOUT') return 'silent';
    throw thrown;
  }
}
