// Takes back retries that nobody waits for. Only the host of the agent knows the number of a retry that waits in the broker,
// and only the host of the asker knows that nobody waits any more. They meet in the result store, in a folder of the
// execution: each writes before it reads, so that one of the two, or both, takes the message back (docs/decisions/0087).
import type { Json } from '../../contract/json.ts';
import type { ResultStore } from '../../contract/payload.ts';
import { hashId } from './ids.ts';

/** Where it is scheduled, and until when it can be taken back (epoch ms). */
interface Retry {
  readonly entity: string;
  readonly sequenceNumber: number;
  readonly dueAt: number;
}

const CLOSED = 'closed';

/** `execution` is one of a life, as it travels. */
function folderOf(family: string, execution: string): string {
  return `${family}/retries/${hashId('retries', execution)}`;
}

/** Called by the host of the agent, once the retry is scheduled. Gives true where nobody waits for it any more. */
export async function noteRetry(
  results: ResultStore,
  { family, execution, key }: { readonly family: string; readonly execution: string; readonly key: string },
  retry: Retry,
): Promise<boolean> {
  const folder = folderOf(family, execution);
  await results.put(folder, key, { ...retry });
  return (await results.get(folder, CLOSED)) !== undefined;
}

/** Called by the host of the asker, once the execution is closed. Gives the retries that are not due yet. */
export async function retriesOfClosed(
  results: ResultStore,
  { family, execution }: { readonly family: string; readonly execution: string },
  now: number,
): Promise<readonly Retry[]> {
  const folder = folderOf(family, execution);
  await results.put(folder, CLOSED, true);
  return (await results.list(folder)).filter(isRetry).filter(({ dueAt }) => dueAt > now);
}

function isRetry(value: Json): value is Json & Retry {
  const { entity, sequenceNumber, dueAt } = (value ?? {}) as { readonly [key: string]: Json };
  return typeof entity === 'string' && typeof sequenceNumber === 'number' && typeof dueAt === 'number';
}

// How often a turn or a task may be begun without anybody seeing its end (I7).

/**
 * The host was gone each time, or had lost its lock. Mostly that is not the message's fault: where locks are lost every few
 * seconds three in a row happen by chance.
 */
export const MAX_UNFINISHED = 10;
