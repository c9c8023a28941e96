// Deferred messages that are taken together: a request each, all under way at once. What becomes of them is decided when it is known of each
// whether it is there.
import { QuorateError } from '../contract/errors.ts';
import type { DeferredStore, Disposition } from '../contract/ports.ts';
import type { InboundMessage } from '../contract/wire.ts';

type Taken = PromiseSettledResult<'taken' | 'gone'>;

/** One of those that were asked for: without a letter where none could be taken under its number. */
export interface Arrival {
  readonly number: number;
  readonly letter?: InboundMessage;
}

/**
 * `settle` gets them in their order, up to the first where the request failed: what is behind it would overtake it. It says what is to
 * become of the letters, by their number; others stay where they are, as all of them do when it rejects.
 */
export async function takeTogether(
  store: DeferredStore,
  numbers: readonly number[],
  settle: (arrivals: readonly Arrival[]) => Promise<ReadonlyMap<number, Disposition>>,
): Promise<readonly Taken[]> {
  const { promise: settled, resolve, reject } = Promise.withResolvers<ReadonlyMap<number, Disposition>>();
  settled.catch(() => {});
  const takes = numbers.map((number) => take(store, number, settled));
  const arrived = await Promise.all(takes.map(({ arrival }) => arrival));
  const broken = arrived.indexOf('failed');
  const whole = broken === -1 ? numbers : numbers.slice(0, broken);
  const arrivals = whole.map((number, at): Arrival => {
    const letter = arrived[at];
    return typeof letter === 'object' ? { number, letter } : { number };
  });
  settle(arrivals).then(resolve, reject);
  const ends = await Promise.allSettled(takes.map(({ end }) => end));
  // Where nothing could be taken, nothing has waited for it.
  if (ends.every(({ status }) => status === 'fulfilled')) await settled;
  return ends;
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
