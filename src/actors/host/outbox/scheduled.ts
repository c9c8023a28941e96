// The broker holds exactly those scheduled messages of an actor whose token is in its state: the others are taken back.
// A message's number becomes known after the commit that scheduled it. It is kept where that costs nothing: in this process,
// and in the state from the next commit on. A host that knows no number, or the number of a repeat that the broker
// dropped, looks at what is scheduled in the session.
import { actorQueue } from '../../../contract/entities.ts';
import type { ResultStore } from '../../../contract/payload.ts';
import type { Bridge, HeldSession } from '../../../contract/ports.ts';
import type { CoreState } from '../../../contract/turn.ts';
import type { InboundMessage } from '../../../contract/wire.ts';
import { inLife, ofThisLife } from '../../protocol/ids.ts';
import { parseActorBody } from '../../protocol/messages.ts';
import { retriesOfClosed } from '../../protocol/retries.ts';
import type { OutboxEntry } from '../state/session-state.ts';

/** How many lives of actors at rest a process remembers; of a forgotten one the numbers are found by looking. */
const MOST_LIVES = 10_000;
/** Numbers in one request. */
const CANCELLED_AT_ONCE = 100;

export type TimerNumbers = Readonly<Record<string, number>>;

/** What this process has scheduled for actors that rest, until they are held again. */
export class TimerMemory {
  readonly #lives = new Map<string, TimerNumbers>();

  recall(name: string, core: CoreState | null): TimerNumbers {
    if (core === null) return {};
    return ofTimers(this.#lives.get(lifeOf(name, core)) ?? {}, core);
  }

  remember(name: string, core: CoreState | null, numbers: TimerNumbers): void {
    if (core === null) return;
    const life = lifeOf(name, core);
    this.#lives.delete(life);
    const open = ofTimers(numbers, core);
    if (Object.keys(open).length === 0) return;
    this.#lives.set(life, open);
    if (this.#lives.size <= MOST_LIVES) return;
    for (const oldest of this.#lives.keys()) {
      this.#lives.delete(oldest);
      return;
    }
  }
}

function lifeOf(name: string, { incarnation }: CoreState): string {
  return `${name}#${incarnation}`;
}

/** Only what the state waits for: a token is never used twice in one life. */
function ofTimers(numbers: TimerNumbers, { timers }: CoreState): TimerNumbers {
  return Object.fromEntries(Object.entries(numbers).filter(([token]) => Object.hasOwn(timers, token)));
}

interface TakeBackContext {
  readonly incarnation: string;
  readonly bridge: Pick<Bridge, 'cancelScheduled'>;
  readonly session: Pick<HeldSession, 'peekScheduled'>;
}

/** Rejects when the broker did not answer; what has become active meanwhile is stale where it arrives (I8). */
export async function takeBack(
  entity: string,
  entries: readonly (OutboxEntry & { kind: 'cancel' })[],
  scheduled: TimerNumbers,
  context: TakeBackContext,
): Promise<void> {
  if (entries.length === 0) return;
  const numbers = new Map<number, string | undefined>();
  const unknown = new Set<string>();
  for (const { token, sequenceNumber = scheduled[token ?? ''] } of entries) {
    if (sequenceNumber !== undefined) numbers.set(sequenceNumber, token);
    else if (token !== undefined) unknown.add(token);
  }
  for (const missing of await cancelAtOnce(entity, [...numbers.keys()], context)) {
    const token = numbers.get(missing);
    if (token !== undefined) unknown.add(token);
  }
  if (unknown.size === 0) return;
  const there = await context.session.peekScheduled();
  const found = there.filter((message) => unknown.has(tokenOf(message, context.incarnation) ?? ''));
  await cancelAtOnce(entity, numbersOf(found), context);
}

/** Takes back all that an actor has ever scheduled, its own end included: it is about to be forgotten. */
export async function takeAllBack(
  type: string,
  context: Omit<TakeBackContext, 'incarnation'>,
): Promise<void> {
  const there = await context.session.peekScheduled();
  const timers = there.filter(({ subject }) => subject === 'timer');
  await cancelAtOnce(actorQueue(type), numbersOf(timers), context);
}

/** Cancels in requests of as many as the service takes. Gives the numbers that were not there. */
async function cancelAtOnce(
  entity: string,
  numbers: readonly number[],
  { bridge }: Pick<TakeBackContext, 'bridge'>,
): Promise<readonly number[]> {
  const missing: number[] = [];
  for (let from = 0; from < numbers.length; from += CANCELLED_AT_ONCE)
    missing.push(...(await bridge.cancelScheduled(entity, numbers.slice(from, from + CANCELLED_AT_ONCE))));
  return missing;
}

function numbersOf(messages: readonly InboundMessage[]): number[] {
  return messages.map(({ sequenceNumber }) => sequenceNumber);
}

function tokenOf(message: InboundMessage, incarnation: string): string | undefined {
  const parsed = message.subject === 'timer' ? parseActorBody(message) : undefined;
  const body = parsed?.ok === true ? ofThisLife(parsed.body, incarnation) : undefined;
  return body?.kind === 'timer' ? body.token : undefined;
}

type CancelEntry = OutboxEntry & { kind: 'cancel' };

interface RetryContext {
  readonly incarnation: string;
  readonly family: string;
  readonly results: ResultStore;
  readonly bridge: Pick<Bridge, 'cancelScheduled'>;
  readonly clock: { now(): number };
}

/** Rejects when the store or the broker did not answer. Of an execution's retries no more are left than its branches. */
export async function takeRetriesBack(
  entries: readonly CancelEntry[],
  { incarnation, family, results, bridge, clock }: RetryContext,
): Promise<void> {
  for (const { execution } of entries) {
    if (execution === undefined) continue;
    const closed = { family, execution: inLife(execution, incarnation) };
    const byEntity = Map.groupBy(await retriesOfClosed(results, closed, clock.now()), ({ entity }) => entity);
    for (const [entity, retries] of byEntity)
      await cancelAtOnce(
        entity,
        retries.map(({ sequenceNumber }) => sequenceNumber),
        { bridge },
      );
  }
}
