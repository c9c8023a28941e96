// Carries a committed outbox out. Every send here may be a repeat: ids are fixed, so repeats are dropped by the broker
// (I3) or found stale by their receiver (I4, I9).
import type { SpanContext } from '@opentelemetry/api';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import { actorQueue } from '../../contract/entities.ts';
import { toErrorJson, tooLate } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { Payloads, ResultStore } from '../../contract/payload.ts';
import { isPayloadRef } from '../../contract/payload.ts';
import type { Bridge, Clock, HeldSession, Logger } from '../../contract/ports.ts';
import { MAX_BODY_BYTES } from '../../contract/sizes.ts';
import type { TaskBody, WireMessage } from '../../contract/wire.ts';
import { PROPERTY, WIRE_FORMAT } from '../../contract/wire.ts';
import { claimLarge, isRefusedForGood, isUnreadable, jsonBytes, readValue } from '../protocol/claims.ts';
import { hashId, taskKey } from '../protocol/ids.ts';
import { inLife } from '../protocol/lives.ts';
import { sealAll } from '../protocol/seals.ts';
import type { ActionEntry, Handover } from './actions.ts';
import { taskMessage } from './encode.ts';
import { takeRetriesBack } from './let-go.ts';
import { takeBack } from './scheduled.ts';
import type { OutboxEntry, ScatterEntry } from './session-state.ts';

/** Tasks made and sent at a time: bounds memory. */
const SCATTER_SLICE = 500;
/** Slices between two commits of the cursor: what a crash makes the next holder send again, at a state write for each 5,000 tasks. */
const SLICES_A_COMMIT = 10;

export interface OutboxContext {
  readonly actor: ActorAddress;
  readonly incarnation: string;
  /** The actor's own. */
  readonly span: SpanContext;
  readonly bridge: Pick<Bridge, 'publish' | 'cancelScheduled'>;
  readonly session: Pick<HeldSession, 'peekScheduled'>;
  readonly payloads: Payloads;
  readonly results: ResultStore;
  /** Where what belongs to this life of the actor lies, and what its tasks store. */
  readonly life: string;
  readonly family: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a send may still begin: not too long after the commit that it belongs to (I2). Asked before each. */
  readonly mayBegin: () => boolean;
  /** Commits how far a fan-out has left. */
  readonly advance: (entry: ScatterEntry, cursor: number) => Promise<void>;
  /** Begins named actions, in order; gives what of them is left to their queue. */
  readonly beginActions: (entries: readonly ActionEntry[]) => Promise<readonly Handover[]>;
}

/** The target's answer, and not the want of one: the same connection serves others. */
const REFUSED_FOR_NOW: ReadonlySet<string> = new Set(['TOPOLOGY_MISMATCH', 'QUOTA_EXCEEDED', 'UNAUTHORIZED']);

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly forGood: boolean;
}

/** Undefined when nothing was refused: the service was not reached, or did not answer. */
function refusalOf(thrown: unknown): Refusal | undefined {
  const { code, message } = toErrorJson(thrown, 'CONNECTION_FAILED');
  const forGood = isRefusedForGood(code);
  return forGood || REFUSED_FOR_NOW.has(code) ? { code, message, forGood } : undefined;
}

/** What became of an outbox. `left` = entries that their target refused, and those behind them for the same target. */
export interface Carried {
  /** Sequence numbers of the timers that were scheduled. */
  readonly scheduled: Readonly<Record<string, number>>;
  /** Ends when what is cancelled has been taken back; never rejects. */
  readonly takenBack: Promise<void>;
  readonly left: readonly OutboxEntry[];
  readonly refusal?: Refusal;
}

/** Rejects when the service was not reached, or the session was lost in the middle of a fan-out. */
export async function publishOutbox(
  entries: readonly OutboxEntry[],
  context: OutboxContext,
): Promise<Carried> {
  try {
    return { ...(await publishTogether(entries, context)), left: [] };
  } catch (thrown) {
    if (refusalOf(thrown) === undefined) throw thrown;
    return publishApart(entries, context);
  }
}

/** The usual way: one send a destination (I12). */
async function publishTogether(
  entries: readonly OutboxEntry[],
  context: OutboxContext,
): Promise<Pick<Carried, 'scheduled' | 'takenBack'>> {
  const scheduled: Record<string, number> = {};
  // Before anything of a later step leaves.
  const actions = entries.filter((entry) => entry.kind === 'action');
  const handed = actions.length === 0 ? [] : await context.beginActions(actions);
  const messages: WireMessage[] = handed.map(({ message }) => message);
  const tokens: (string | undefined)[] = handed.map(() => undefined);
  for (const entry of entries) {
    if (entry.kind !== 'message') continue;
    const message = withTimeToLive(entry.message, context.clock.now());
    if (message === undefined) continue;
    messages.push(message);
    tokens.push(entry.timer);
  }
  if (messages.length > 0) {
    const published = await send(messages, context);
    published.forEach((one, at) => {
      handed[at]?.published(one);
      const { sequenceNumber } = one;
      const token = tokens[at];
      if (token !== undefined && sequenceNumber !== undefined) scheduled[token] = sequenceNumber;
    });
  }
  const takenBack = cancelAll(entries, scheduled, context);
  for (const entry of entries) {
    if (entry.kind === 'scatter') await expandScatter(entry, context);
  }
  return { scheduled, takenBack };
}

/** One after the other, to see what is refused and to let the others leave. What has left before is a repeat. */
async function publishApart(entries: readonly OutboxEntry[], context: OutboxContext): Promise<Carried> {
  const scheduled: Record<string, number> = {};
  const left: OutboxEntry[] = [];
  const blocked = new Set<string>();
  let refusal: Refusal | undefined;
  const attempt = async (
    entry: OutboxEntry,
    to: readonly string[],
    deliver: () => Promise<void>,
  ): Promise<void> => {
    if (to.some((target) => blocked.has(target))) return void left.push(entry);
    try {
      await deliver();
    } catch (thrown) {
      const why = refusalOf(thrown);
      if (why === undefined) throw thrown;
      left.push(entry);
      // One bad message holds up its receiver only; a missing entity all of them.
      const target = why.forGood ? to.at(-1) : to[0];
      if (target !== undefined) blocked.add(target);
      if (refusal === undefined || (why.forGood && !refusal.forGood)) refusal = why;
    }
  };
  const actions = entries.filter((entry) => entry.kind === 'action');
  for (const handover of actions.length === 0 ? [] : await context.beginActions(actions)) {
    const { entry, message, published } = handover;
    await attempt(entry, [message.entity], async () => {
      const [one] = await send([message], context);
      if (one !== undefined) published(one);
    });
  }
  for (const entry of entries) {
    if (entry.kind === 'scatter') await attempt(entry, [], () => expandScatter(entry, context));
    else if (entry.kind === 'message') {
      const { entity, sessionId = '' } = entry.message;
      await attempt(entry, [entity, `${entity}/${sessionId}`], async () => {
        const message = withTimeToLive(entry.message, context.clock.now());
        const [one] = message === undefined ? [] : await send([message], context);
        if (entry.timer !== undefined && one?.sequenceNumber !== undefined)
          scheduled[entry.timer] = one.sequenceNumber;
      });
    }
  }
  const takenBack = cancelAll(entries, scheduled, context);
  return { scheduled, takenBack, left, ...(refusal === undefined ? {} : { refusal }) };
}

async function cancelAll(
  entries: readonly OutboxEntry[],
  scheduled: Record<string, number>,
  context: OutboxContext,
): Promise<void> {
  const cancels = entries.filter((entry) => entry.kind === 'cancel');
  try {
    await takeBack(actorQueue(context.actor.type), cancels, scheduled, context);
    await takeRetriesBack(cancels, context);
  } catch (error) {
    context.logger.debug('scheduled messages were not taken back', { reason: String(error) });
  }
}

/** Slices leave in order; each is one batched publish. The same entry always expands to the same messages. */
async function expandScatter(entry: ScatterEntry, context: OutboxContext): Promise<void> {
  const items = await readItems(entry, context);
  if (items === undefined) return;
  const mayBeLarge = hasLargeBranches(entry);
  let slices = 0;
  for (let from = entry.cursor; from < entry.total; from += SCATTER_SLICE) {
    const slice: WireMessage[] = [];
    for (let branch = from; branch < Math.min(from + SCATTER_SLICE, entry.total); branch++) {
      const message = withTimeToLive(branchMessage(entry, items, branch, context), context.clock.now());
      if (message !== undefined) slice.push(message);
    }
    const small = mayBeLarge ? await claimBranches(entry, slice, context) : slice;
    if (small === undefined) return;
    await send(small, context);
    slices += 1;
    const cursor = from + SCATTER_SLICE;
    if (slices % SLICES_A_COMMIT === 0 && cursor < entry.total) await context.advance(entry, cursor);
  }
}

/** I2: what is sent later than this might be a repeat that nobody recognises, of a turn that another host has gone on from. */
async function send(
  messages: readonly WireMessage[],
  { bridge, payloads, mayBegin }: OutboxContext,
): ReturnType<Bridge['publish']> {
  const sealed = await sealAll(messages, payloads);
  if (!mayBegin()) throw tooLate();
  return bridge.publish(sealed, { mayBegin });
}

/** Beside an item and what all share, a branch says what every task says. */
const TASK_BYTES = 4 * 1024;

function hasLargeBranches({ items, shared = null }: ScatterEntry): boolean {
  const bytes = isPayloadRef(items) ? items.bytes : jsonBytes(items);
  return bytes + jsonBytes(shared) + TASK_BYTES > MAX_BODY_BYTES;
}

/** One that even the payload store does not take fails the fan-out as a whole: no later attempt could send it. */
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
  const { payloads, life, family } = context;
  if (!isPayloadRef(items)) return items;
  try {
    return (await readValue(items, payloads, [life, family])) as readonly Json[];
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
  return taskMessage(body, context);
}

/** What is left of its deadline is a task's time to live (I10); one that has none left is not sent. */
function withTimeToLive(message: WireMessage, now: number): WireMessage | undefined {
  const deadline = message.properties?.[PROPERTY.deadline];
  if (typeof deadline !== 'number') return message;
  const left = Math.floor(deadline - now);
  return left < 1 ? undefined : { ...message, timeToLiveMs: left };
}
