// Cancels all runs of a tenant: every actor of the given types is asked on whose behalf it is, and those of the tenant are stopped.
// What they have started goes with them. Actors that are started meanwhile may be missed: nothing keeps a list by tenant.
import type { QuorateClient, TenantCancelled } from '../contract/client.ts';
import { QuorateError } from '../contract/errors.ts';

/** Actors asked at a time. */
const AT_ONCE = 32;
const PAGE = 100;

export interface CancelTenantOptions {
  readonly types: readonly string[];
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Throws what `query` and `cancel` throw, once the others of that group are done; called again it continues. */
export async function cancelTenant(
  client: Pick<QuorateClient, 'query' | 'cancel' | 'actors'>,
  tenant: string,
  { types, ...call }: CancelTenantOptions,
): Promise<TenantCancelled> {
  const options = call as { readonly signal?: AbortSignal; readonly timeoutMs?: number };
  let cancelled = 0;
  let looked = 0;
  const one = async (type: string, id: string): Promise<void> => {
    try {
      const { status, tenant: own, parent } = await client.query(type, id, options);
      looked += 1;
      // A child ends with its parent, which would take its end for a failure.
      if (status !== 'active' || own !== tenant || parent !== undefined) return;
      if ((await client.cancel(type, id, options)) === 'cancelled') cancelled += 1;
    } catch (error) {
      // Forgotten since it was listed.
      if (!(error instanceof QuorateError && error.code === 'ACTOR_NOT_FOUND')) throw error;
    }
  };
  for (const type of types) {
    // Those that end meanwhile stay in the list for their retention time.
    for (let from: number | undefined = 0; from !== undefined; ) {
      const { ids, next }: { ids: readonly string[]; next?: number } = await client.actors.list(type, {
        from,
        limit: PAGE,
      });
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        const ends = await Promise.allSettled(ids.slice(at, at + AT_ONCE).map((id) => one(type, id)));
        const failed = ends.find((end) => end.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      }
      from = next;
    }
  }
  return { cancelled, looked };
}
