// Sends dead letters again, or removes them, up to 32 at a time. Those of a window are taken together, leave in one send in the order
// in which they were chosen, and are removed only when all that was sent is accepted (docs/decisions/0172).
import { setTimeout as sleep } from 'node:timers/promises';
import { doneBy, toAudit } from '../actors/protocol/audit.ts';
import { removeClaims } from '../actors/protocol/claims.ts';
import { withEdit, withoutKept } from '../actors/protocol/edits.ts';
import { redriven } from '../actors/protocol/redrive.ts';
import { throwIfAborted } from '../common/signals.ts';
import { type LetterEdited, MOST_RATE, type Remedied, type RemedyOptions } from '../contract/dead-letters.ts';
import { QuorateError, toErrorJson } from '../contract/errors.ts';
import type { Payloads } from '../contract/payload.ts';
import type { Bridge, Clock, DeferredStore, Disposition } from '../contract/ports.ts';
import type { InboundMessage, WireMessage } from '../contract/wire.ts';

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
  for await (const window of windowsOf(numbers, atOnce(rate))) {
    await pace(window.length);
    throwIfAborted(signal);
    const done = doneBy(by, host.clock.now(), why);
    const { remedied, failure } = await remedyWindow(host, verb, window, done);
    yield* remedied;
    if (failure !== undefined) throw failure;
  }
}

async function remedyWindow(
  host: RemedyHost,
  verb: Verb,
  window: readonly number[],
  by: LetterEdited,
): Promise<{ readonly remedied: readonly Remedied[]; readonly failure?: unknown }> {
  let refused: Refused = new Map();
  const taken = await takeTogether(host.store, window, async (letters) => {
    if (verb === 'redrive') refused = await sendAgain(host, letters, by);
    const done = letters.filter((letter) => !refused.has(letter));
    const numbers = done.map(({ sequenceNumber }) => sequenceNumber);
    // Before they are removed: what was done is told, also where this process ends in between.
    if (numbers.length > 0) await host.bridge.publish([toAudit(PAST[verb], numbers, by)]);
    await Promise.all(done.map((letter) => tidyUp(host, verb, letter)));
    return letters.map((letter) => ({ kind: refused.has(letter) ? 'defer' : 'complete' }));
  });
  const whys = new Map([...refused].map(([{ sequenceNumber }, why]) => [sequenceNumber, why]));
  const remedied = window.flatMap((number, at): readonly Remedied[] => {
    const end = taken[at];
    if (end?.status !== 'fulfilled') return [];
    const why = whys.get(number);
    if (why !== undefined) return [{ number, outcome: 'refused', why }];
    return [{ number, outcome: end.value === 'gone' ? 'gone' : PAST[verb] }];
  });
  const failed = taken.find((end) => end.status === 'rejected');
  return { remedied, ...(failed === undefined ? {} : { failure: failed.reason }) };
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

// Letters that are taken together: a request each, all under way at once.

type Taken = PromiseSettledResult<'taken' | 'gone'>;

/**
 * `settle` gets those that were there, in their order, up to the first that could not be taken: what is behind it would overtake it.
 * A rejection leaves them all where they are.
 */
async function takeTogether(
  store: DeferredStore,
  numbers: readonly number[],
  settle: (letters: readonly InboundMessage[]) => Promise<readonly Disposition[]>,
): Promise<readonly Taken[]> {
  const { promise: settled, resolve, reject } = Promise.withResolvers<ReadonlyMap<number, Disposition>>();
  settled.catch(() => {});
  const takes = numbers.map((number) => take(store, number, settled));
  const arrived = await Promise.all(takes.map(({ arrival }) => arrival));
  const broken = arrived.indexOf('failed');
  const letters = arrived
    .slice(0, broken === -1 ? arrived.length : broken)
    .filter((one) => typeof one === 'object');
  settle(letters).then(
    (dispositions) =>
      resolve(new Map(letters.map(({ sequenceNumber }, at) => [sequenceNumber, dispositions[at]!]))),
    reject,
  );
  return Promise.allSettled(takes.map(({ end }) => end));
}

interface Take {
  /** The letter, once it is in hand. */
  readonly arrival: Promise<InboundMessage | 'gone' | 'failed'>;
  readonly end: Promise<'taken' | 'gone'>;
}

function take(
  store: DeferredStore,
  number: number,
  settled: Promise<ReadonlyMap<number, Disposition>>,
): Take {
  const { promise: arrival, resolve } = Promise.withResolvers<InboundMessage | 'gone' | 'failed'>();
  const end = store.take(number, async (letter) => {
    resolve(letter);
    const disposition = (await settled).get(number);
    if (disposition === undefined)
      throw new QuorateError('CONNECTION_FAILED', 'a letter before it could not be taken');
    return disposition;
  });
  end.then(
    () => resolve('gone'),
    () => resolve('failed'),
  );
  return { arrival, end };
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
