// A retry that waits in the broker is known by number to the agent's host only, and that nobody waits for it any more to the
// asker's only. Both meet in the result store, in a folder of the execution: each writes before it reads, so that one of the
// two, or both, takes the message back (docs/decisions/0087).
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

/** By the agent's host, once it is scheduled. True where nobody waits for it any more. */
export async function noteRetry(
  results: ResultStore,
  { family, execution, key }: { readonly family: string; readonly execution: string; readonly key: string },
  retry: Retry,
): Promise<boolean> {
  const folder = folderOf(family, execution);
  await results.put(folder, key, { ...retry });
  return (await results.get(folder, CLOSED)) !== undefined;
}

/** By the asker's host, once the execution is closed. Those that are not due yet. */
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
