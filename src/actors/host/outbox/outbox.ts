// Carries a committed outbox out. Every send here may be a repeat: ids are fixed, so repeats are dropped by the broker
// (I3) or found stale by their receiver (I4, I9). Entries that their target refused are told apart from those that have left.
import { formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import { toErrorJson } from '../../../contract/errors.ts';
import type { WireMessage } from '../../../contract/wire.ts';
import { isRefusedForGood } from '../../protocol/claims.ts';
import { lifeMark } from '../../protocol/lineage.ts';
import type { OutboxEntry, ScatterEntry, SliceEntry } from '../state/session-state.ts';
import { expandScatter, expandSlice } from './expand-scatter.ts';
import { takeBack, takeRetriesBack } from './scheduled.ts';
import { type OutboxContext, send, withTimeToLive } from './send.ts';

/** Codes with which a target answers; the connection itself serves other targets. */
const REFUSED_FOR_NOW: ReadonlySet<string> = new Set(['TOPOLOGY_MISMATCH', 'QUOTA_EXCEEDED', 'UNAUTHORIZED']);

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly forGood: boolean;
}

/** Why the target refused; undefined when the service was not reached, or did not answer. */
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
  const unknown = entries.find(({ kind }) => !Object.hasOwn(CARRIED, kind));
  if (unknown !== undefined)
    context.logger.warn(`left out: an entry '${unknown.kind}' of a newer build`, {
      actor: formatAddress(context.actor),
    });
  await closeAll(entries, context);
  try {
    return { ...(await publishTogether(entries, context)), left: [] };
  } catch (thrown) {
    if (refusalOf(thrown) === undefined) throw thrown;
    return publishApart(entries, context);
  }
}

/** Every kind has its place below. */
const CARRIED: Readonly<Record<OutboxEntry['kind'], true>> = {
  close: true,
  action: true,
  message: true,
  cancel: true,
  scatter: true,
  slice: true,
};

/** Carried out first: what the actor let go of must not begin while the rest is on its way (I15). */
async function closeAll(
  entries: readonly OutboxEntry[],
  { cancellations, actor, incarnation }: OutboxContext,
): Promise<void> {
  for (const entry of entries)
    if (entry.kind === 'close')
      await cancellations.cancel(entry.marks, entry.until, lifeMark(formatAddress(actor), incarnation));
}

function expand(entry: ScatterEntry | SliceEntry, context: OutboxContext): Promise<void> {
  if (entry.kind === 'slice') return expandSlice(entry, context);
  return expandScatter(entry, { from: entry.cursor, to: entry.total }, context);
}

/** The usual way: one send a destination (I12). */
async function publishTogether(
  entries: readonly OutboxEntry[],
  context: OutboxContext,
): Promise<Pick<Carried, 'scheduled' | 'takenBack'>> {
  const scheduled: Record<string, number> = {};
  // Actions begin before anything of a later step leaves.
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
    if (entry.kind === 'scatter' || entry.kind === 'slice') await expand(entry, context);
  }
  return { scheduled, takenBack };
}

/** Sends one after the other, to find what is refused and let the others leave. Those that left before are repeats. */
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
    if (entry.kind === 'scatter' || entry.kind === 'slice')
      await attempt(entry, [], () => expand(entry, context));
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
