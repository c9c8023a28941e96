// Expands a scatter to its tasks: the state has one entry, whatever the number of branches. The same entry always expands to the
// same messages (I3). A task that no later attempt could send either fails the fan-out as a whole, and its asker continues (I11).
import { formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import { toErrorJson } from '../../../contract/errors.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson } from '../../../contract/outcome.ts';
import { isPayloadRef } from '../../../contract/payload.ts';
import { MAX_BODY_BYTES } from '../../../contract/sizes.ts';
import { PROPERTY, type TaskBody, WIRE_FORMAT, type WireMessage } from '../../../contract/wire.ts';
import { toBroadcast } from '../../protocol/broadcast.ts';
import { claimLarge, isUnreadable, jsonBytes, readValue } from '../../protocol/claims.ts';
import { hashId, inLife, taskKey } from '../../protocol/ids.ts';
import { marksIn } from '../../protocol/lineage.ts';
import { taskMessage } from '../commit/encode.ts';
import type { ScatterEntry, SliceEntry } from '../state/session-state.ts';
import { SLICE } from '../unsent/unsent.ts';
import { type OutboxContext, send, withTimeToLive } from './send.ts';

/** Tasks [from, to) of a fan-out. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** In slices, in order; each is one batched publish, which bounds memory. */
export async function expandScatter(
  entry: ScatterEntry,
  { from: first, to: end }: Range,
  context: OutboxContext,
): Promise<void> {
  const items = await readItems(entry, context);
  if (items === undefined) return;
  const mayBeLarge = hasLargeBranches(entry);
  const ancestors = marksIn(context.lineage);
  for (let from = first; from < end; from += SLICE) {
    // The end of this actor is on its way: nobody would begin the tasks that are left.
    if (entry.cancel === undefined && (await context.cancellations.isCancelled(ancestors))) return;
    const slice: WireMessage[] = [];
    for (let branch = from; branch < Math.min(from + SLICE, end); branch++) {
      // Of a broadcast all branches of an item leave with its first.
      if (entry.topic !== undefined && branch % entry.agents.length !== 0) continue;
      const message = withTimeToLive(branchMessage(entry, items, branch, context), context.clock.now());
      if (message !== undefined) slice.push(message);
    }
    const small = mayBeLarge ? await claimBranches(entry, slice, context) : slice;
    if (small === undefined) return;
    await send(small, context);
  }
}

/** A slice of what is unsent; none of it where nobody waits for it any more. */
export async function expandSlice(slice: SliceEntry, context: OutboxContext): Promise<void> {
  const entry = context.unsent.find(({ execution }) => execution === slice.execution);
  if (entry?.kind !== 'scatter') return;
  const { deadlineAt = entry.deadlineAt } = slice;
  await expandScatter({ ...entry, deadlineAt }, slice, context);
}

/** Beside an item and what all share, a branch says what every task says. */
const TASK_BYTES = 4 * 1024;

function hasLargeBranches({ items, shared = null }: ScatterEntry): boolean {
  const bytes = isPayloadRef(items) ? items.bytes : jsonBytes(items);
  return bytes + jsonBytes(shared) + TASK_BYTES > MAX_BODY_BYTES;
}

/** A task that even the payload store does not take fails the fan-out as a whole: no later attempt could send it. */
async function claimBranches(
  entry: ScatterEntry,
  slice: readonly WireMessage[],
  context: OutboxContext,
): Promise<readonly WireMessage[] | undefined> {
  const { payloads, life } = context;
  try {
    return await Promise.all(slice.map((message) => claimLarge(message, payloads, life)));
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    if (error.code !== 'EFFECT_TOO_LARGE') throw thrown;
    await failScatter(entry, error, context);
    return undefined;
  }
}

/** Items that cannot be read are an answer too: the fan-out fails as a whole, its asker continues. */
async function readItems(entry: ScatterEntry, context: OutboxContext): Promise<readonly Json[] | undefined> {
  const { items } = entry;
  const { payloads, life, family, memo } = context;
  if (!isPayloadRef(items)) return items;
  if (memo.ref === items.$payload) return memo.items;
  try {
    const read = (await readValue(items, payloads, [life, family])) as readonly Json[];
    // The slices behind this one need them as well.
    if (entry.total > SLICE) Object.assign(memo, { ref: items.$payload, items: read });
    return read;
  } catch (thrown) {
    const error = toErrorJson(thrown, 'INTERNAL');
    if (!isUnreadable(error.code)) throw thrown;
    await failScatter(entry, error, context);
    return undefined;
  }
}

async function failScatter(
  { execution }: ScatterEntry,
  error: ErrorJson,
  { actor, incarnation, bridge }: OutboxContext,
): Promise<void> {
  const outcome: Json = { status: 'error', error: { ...error } };
  await bridge.publish([
    {
      entity: actorQueue(actor.type),
      sessionId: actor.id,
      subject: 'reply',
      messageId: hashId('items', formatAddress(actor), incarnation, execution),
      properties: { [PROPERTY.format]: WIRE_FORMAT },
      body: { kind: 'reply', execution: inLife(execution, incarnation), outcome },
    },
  ]);
}

function branchMessage(
  entry: ScatterEntry,
  items: readonly Json[],
  branch: number,
  context: OutboxContext,
): WireMessage {
  const { actor, incarnation } = context;
  const body: TaskBody = {
    kind: 'task',
    agent: entry.agents[branch % entry.agents.length] ?? '',
    input: {
      item: items[Math.floor(branch / entry.agents.length)] ?? null,
      ...(entry.shared === undefined ? {} : { shared: entry.shared }),
    },
    key: taskKey(actor, incarnation, entry.execution, branch),
    execution: entry.execution,
    branch,
    attempt: 1,
    deadlineAt: entry.deadlineAt,
    ...(entry.offerTtlMs === undefined ? {} : { offerTtlMs: entry.offerTtlMs }),
  };
  const task = taskMessage(body, context, entry);
  if (entry.topic === undefined) return task;
  const { input, key, deadlineAt, offerTtlMs } = body;
  const { execution } = task.body as { readonly execution: string };
  return toBroadcast(entry.topic, task, {
    names: entry.agents,
    item: branch / entry.agents.length,
    input,
    key,
    execution,
    deadlineAt,
    ...(offerTtlMs === undefined ? {} : { offerTtlMs }),
  });
}
