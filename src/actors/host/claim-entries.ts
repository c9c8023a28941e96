// What is too large to travel is put away before the commit (I2): the outbox holds messages as they will leave.
import type { ActorAddress } from '../../contract/address.ts';
import type { Json } from '../../contract/json.ts';
import { isPayloadRef } from '../../contract/payload.ts';
import { MAX_BODY_BYTES } from '../../contract/sizes.ts';
import { claimLarge, isSmall, jsonBytes, lifeFolder, tooLarge } from '../protocol/claims.ts';
import { hashId } from '../protocol/ids.ts';
import type { ActorHost } from './host.ts';
import type { OutboxEntry, ScatterEntry } from './session-state.ts';

/** The same array when everything is small. Throws EFFECT_TOO_LARGE, or what the storage threw. */
export async function claimEntries(
  entries: readonly OutboxEntry[],
  { payloads }: Pick<ActorHost, 'payloads'>,
  actor: ActorAddress,
  incarnation: string,
): Promise<readonly OutboxEntry[]> {
  if (entries.every(fits)) return entries;
  const own = lifeFolder(payloads.scope, actor, incarnation);
  return Promise.all(
    entries.map(async (entry): Promise<OutboxEntry> => {
      if (fits(entry)) return entry;
      if (entry.kind === 'message')
        return { ...entry, message: await claimLarge(entry.message, payloads, own) };
      if (entry.kind !== 'scatter' || isPayloadRef(entry.items)) return refuse(entry);
      const items = await payloads.put(own, hashId('items', entry.execution), [...entry.items]);
      const claimed: ScatterEntry = { ...entry, items };
      return fits(claimed) ? claimed : refuse(claimed);
    }),
  );
}

function fits(entry: OutboxEntry): boolean {
  if (entry.kind === 'cancel') return true;
  return entry.kind === 'message'
    ? isSmall(entry.message)
    : jsonBytes(entry as unknown as Json) <= MAX_BODY_BYTES;
}

/** Every branch would carry it. */
function refuse(entry: OutboxEntry): never {
  const bytes = jsonBytes(entry as unknown as Json);
  const what = entry.kind === 'scatter' ? 'what all branches of a scatter share' : `an ${entry.kind}`;
  throw tooLarge(what, bytes, MAX_BODY_BYTES);
}
