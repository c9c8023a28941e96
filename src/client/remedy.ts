// Sends dead letters again, or removes them, up to 32 at a time. Those of a window are taken together, leave in one send in the order
// in which they were chosen, and are removed only when all that was sent is accepted (docs/decisions/0172).
import { setTimeout as sleep } from 'node:timers/promises';
import { doneBy, toAudit } from '../actors/protocol/audit.ts';
import { removeClaims } from '../actors/protocol/claims.ts';
import { withEdit, withoutKept } from '../actors/protocol/edits.ts';
import { hashId } from '../actors/protocol/ids.ts';
import { placeOf, redriven } from '../actors/protocol/redrive.ts';
import { throwIfAborted } from '../common/signals.ts';
import { type LetterEdited, MOST_RATE, type Remedied, type RemedyOptions } from '../contract/dead-letters.ts';
import { QuorateError, toErrorJson } from '../contract/errors.ts';
import type { Payloads } from '../contract/payload.ts';
import type { Bridge, Clock, DeferredStore, Disposition } from '../contract/ports.ts';
import type { InboundMessage, WireMessage } from '../contract/wire.ts';
import { type Arrival, takeTogether } from './take-together.ts';

const MOST_AT_ONCE = 32;
/** With a rate, a window holds what is due in this part of a second: they leave evenly. */
const WINDOWS_PER_SECOND = 10;

export interface RemedyHost {
  readonly store: DeferredStore;
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly payloads: Payloads;
  readonly clock: Clock;
}

type Verb = 'redrive' | 'discard';
const PAST = { redrive: 'redriven', discard: 'discarded' } as const;
type Numbers = AsyncIterable<number> | Iterable<number>;

/** Ends between two windows. What it has done is given before it throws. */
export async function* remedy(
  host: RemedyHost,
  verb: Verb,
  numbers: Numbers,
  { signal, rate, by = '', why }: RemedyOptions,
): AsyncGenerator<Remedied, void, undefined> {
  const pace = paceOf(rate, signal);
  const inHand: InHand = new Map();
  for await (const window of windowsOf(numbers, atOnce(rate))) {
    await pace(window.length);
    throwIfAborted(signal);
    const done = doneBy(by, host.clock.now(), why);
    const { remedied, failure } = await remedyWindow(host, verb, { numbers: window, by: done, inHand });
    yield* remedied;
    if (failure !== undefined) throw failure;
  }
}

interface Window {
  readonly numbers: readonly number[];
  readonly by: LetterEdited;
  readonly inHand: InHand;
}

async function remedyWindow(
  host: RemedyHost,
  verb: Verb,
  { numbers, by, inHand }: Window,
): Promise<{ readonly remedied: readonly Remedied[]; readonly failure?: unknown }> {
  /** Those that stay, with what is told of them. */
  const staying = new Map<number, Remedied>();
  const taken = await takeTogether(host.store, numbers, async (arrivals) => {
    const free = await freeOf(host.store, arrivals, verb === 'redrive' ? inHand : undefined, staying);
    const refused = verb === 'redrive' ? await sendAgain(host, free, by) : new Map<InboundMessage, string>();
    for (const [{ sequenceNumber: number }, why] of refused)
      staying.set(number, { number, outcome: 'refused', why });
    const done = free.filter((letter) => !refused.has(letter));
    // Before they are removed: what was done is told, also where this process ends in between.
    const ofThese = done.map(({ sequenceNumber }) => sequenceNumber);
    if (ofThese.length > 0) await host.bridge.publish([toAudit(PAST[verb], ofThese, by)]);
    await Promise.all(done.map((letter) => tidyUp(host, verb, letter)));
    return new Map<number, Disposition>([
      ...arrivals.map(({ number }) => [number, { kind: 'defer' }] as const),
      ...ofThese.map((number) => [number, { kind: 'complete' }] as const),
    ]);
  });
  const remedied = numbers.flatMap((number, at): readonly Remedied[] => {
    const end = taken[at];
    if (end?.status !== 'fulfilled') return [];
    const outcome = end.value === 'gone' ? 'gone' : PAST[verb];
    return [staying.get(number) ?? { number, outcome }];
  });
  const failed = taken.find((end) => end.status === 'rejected');
  return { remedied, ...(failed === undefined ? {} : { failure: failed.reason }) };
}

/** By the hash of an actor: the letter that another process has in hand. Those behind it would overtake it. */
type InHand = Map<string, number>;

/** The letters that may be sent, or removed (then without `inHand`), now. What is told of the others is put into `staying`. */
async function freeOf(
  store: DeferredStore,
  arrivals: readonly Arrival[],
  inHand: InHand | undefined,
  staying: Map<number, Remedied>,
): Promise<readonly InboundMessage[]> {
  const free: InboundMessage[] = [];
  for (const { number, letter } of arrivals) {
    if (letter === undefined) {
      const [found] = await store.browse({ from: number, max: 1 });
      if (found?.sequenceNumber !== number) continue;
      staying.set(number, {
        number,
        outcome: 'held',
        why: 'another process has it in hand, or it is not set aside yet',
      });
      if (placeOf(found).session !== '') inHand?.set(ownerOf(found), number);
      continue;
    }
    const first = inHand?.get(ownerOf(letter));
    if (first === undefined) free.push(letter);
    else
      staying.set(number, { number, outcome: 'held', why: `letter ${first} of its actor comes before it` });
  }
  return free;
}

function ownerOf(letter: InboundMessage): string {
  const { entity, session } = placeOf(letter);
  return hashId(entity, session);
}

/** What it came with is read by nobody any more. */
async function tidyUp({ payloads }: RemedyHost, verb: Verb, letter: InboundMessage): Promise<void> {
  const edited = withEdit(letter);
  if (verb === 'discard') await removeClaims(edited, payloads);
  if (edited !== letter) await removeClaims(withoutKept(letter), payloads);
}

type Refused = ReadonlyMap<InboundMessage, string>;

/**
 * In one call, so that those of one actor keep their order. Where the broker refuses one of them, each is sent by itself: their ids are
 * fixed, so what had arrived does not arrive twice (I3).
 */
async function sendAgain(
  { bridge, clock }: RemedyHost,
  letters: readonly InboundMessage[],
  by: LetterEdited,
): Promise<Refused> {
  const messages = letters.map((letter): WireMessage => redriven(letter, clock.now(), by));
  const refused = new Map<InboundMessage, string>();
  if ((await send(bridge, messages)) === undefined) return refused;
  for (const [at, letter] of letters.entries()) {
    const why = await send(bridge, messages.slice(at, at + 1));
    if (why !== undefined) refused.set(letter, why);
  }
  return refused;
}

/** Why the broker does not take them; undefined when it has. */
async function send(
  { publish }: Pick<Bridge, 'publish'>,
  messages: readonly WireMessage[],
): Promise<string | undefined> {
  try {
    await publish(messages);
    return undefined;
  } catch (error) {
    const { code, message } = toErrorJson(error, 'CONNECTION_FAILED');
    if (code !== 'TOPOLOGY_MISMATCH' && code !== 'EFFECT_TOO_LARGE') throw error;
    return message;
  }
}

// When the next window is due, and what it holds.

function atOnce(rate: number | undefined): number {
  if (rate === undefined) return MOST_AT_ONCE;
  return Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(rate / WINDOWS_PER_SECOND)));
}

/** Waits until so many letters are due. */
function paceOf(
  rate: number | undefined,
  signal: AbortSignal | undefined,
): (letters: number) => Promise<void> {
  if (rate === undefined) return async () => {};
  if (!(rate > 0 && rate <= MOST_RATE))
    throw new QuorateError('INPUT_INVALID', `rate is a number of letters a second, up to ${MOST_RATE}`);
  let next = 0;
  return async (letters) => {
    const now = performance.now();
    const wait = next - now;
    next = Math.max(now, next) + (letters * 1_000) / rate;
    if (wait > 0) await sleep(wait, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  };
}

/** A number that was chosen twice comes once in a window. */
async function* windowsOf(numbers: Numbers, size: number): AsyncGenerator<number[], void, undefined> {
  let window = new Set<number>();
  for await (const number of numbers) {
    if (window.has(number)) {
      yield [...window];
      window = new Set();
    }
    window.add(number);
    if (window.size < size) continue;
    yield [...window];
    window = new Set();
  }
  if (window.size > 0) yield [...window];
}
