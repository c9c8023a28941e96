// All that agents of a process stream. Pieces are gathered for a tenth of a second at most, appended to the store, a row for each
// actor that has some, and then told to those who read there: one message for each client, whatever the number of streams. A store
// that does not answer holds nobody up: pieces wait, within bounds, and are tried again.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { toErrorJson } from '../../../contract/errors.ts';
import type { Bridge, Clock, Logger } from '../../../contract/ports.ts';
import type { Appended, StreamRow, StreamStore } from '../../../contract/stream.ts';
import { KEPT_MS, placeTag } from '../../protocol/streams.ts';
import { RunStream, type Written } from './run-stream.ts';
import { createTeller, type Teller } from './teller.ts';

/** Between two appends. */
const GATHER_MS = 100;
/** Until a store that did not answer is tried again. */
const AGAIN_MS = 1_000;
/** The answer of an attempt waits so long for its last pieces. */
const CLOSE_LIMIT_MS = 1_000;
const SWEEP_MS = 60_000;
/** Of a row, as JSON: with one more piece it fits in a message. */
const MAX_ROW_BYTES = 96 * 1024;

export interface StreamHubOptions {
  readonly store: StreamStore;
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name of this process. */
  readonly writer: string;
}

/** An attempt that may stream, with the place of its asker. */
export interface OpenStream {
  readonly push: (chunk: unknown) => void;
  /** Resolves when all is stored, or it takes too long. `isLast`: no other attempt follows. */
  readonly close: (isLast: boolean) => Promise<void>;
}

export interface StreamHub {
  open(of: StreamOf): OpenStream;
  /** Once no agent runs any more. */
  close(): Promise<void>;
}

interface StreamOf {
  /** Asked for when something is streamed. */
  readonly place: () => string;
  readonly agent: string;
  readonly run: Omit<RunStream['run'], 'id'>;
  /** Nobody waits for the answer then (epoch ms). */
  readonly deadlineAt: number;
}

interface Place {
  readonly name: string;
  readonly tag: string;
  /** Those with pieces that wait, in the order in which they came. */
  readonly waiting: Set<RunStream>;
  open: number;
  deadlineAt: number;
  /** When it may be tried again. */
  retryAt: number;
}

export function createStreamHub(options: StreamHubOptions): StreamHub {
  return new Hub(options);
}

class Hub implements StreamHub {
  readonly #options: StreamHubOptions;
  readonly #teller: Teller;
  readonly #places = new Map<string, Place>();
  /** Those with pieces that wait. */
  readonly #due = new Set<Place>();
  #timer: NodeJS.Timeout | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #appending: Promise<void> | undefined;
  #appendedAt = -Infinity;
  #isFailing = false;
  #streamedAt = 0;
  #isClosed = false;

  constructor(options: StreamHubOptions) {
    this.#options = options;
    this.#teller = createTeller(options);
  }

  open({ place: placeOf, agent, run, deadlineAt }: StreamOf): OpenStream {
    let stream: RunStream | undefined;
    let place: Place | undefined;
    const begin = (): RunStream => {
      const own = this.#placeOf(placeOf(), deadlineAt);
      place = own;
      const onWaiting = (): void => this.#wait(own, begun);
      const { logger } = this.#options;
      const begun = new RunStream({
        agent,
        run: { id: randomUUID().slice(0, 13), ...run },
        logger,
        onWaiting,
      });
      return begun;
    };
    return {
      push: (chunk) => {
        stream ??= begin();
        stream.push(chunk);
      },
      close: async (isLast) => {
        const ended = stream;
        if (ended === undefined || place === undefined) return;
        ended.close(isLast);
        await this.#drain(place, ended);
        await this.#leave(place);
      },
    };
  }

  async close(): Promise<void> {
    await Promise.race([this.#flushAll(), sleep(CLOSE_LIMIT_MS, undefined, { ref: false })]);
    // What an agent says that was left to itself is nobody's any more.
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#sweeper);
    this.#due.clear();
  }

  #placeOf(name: string, deadlineAt: number): Place {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = { name, tag: placeTag(name), waiting: new Set(), open: 0, deadlineAt, retryAt: 0 };
      this.#places.set(name, place);
    }
    place.open++;
    place.deadlineAt = Math.max(place.deadlineAt, deadlineAt);
    if (!this.#isClosed) this.#sweeper ??= setInterval(() => void this.#sweep(), SWEEP_MS).unref();
    return place;
  }

  #wait(place: Place, stream: RunStream): void {
    if (this.#isClosed) return;
    place.waiting.add(stream);
    this.#due.add(place);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#appending !== undefined) return;
    if (this.#due.size === 0) return;
    const now = performance.now();
    const retryAt = Math.min(...[...this.#due].map((place) => place.retryAt));
    const at = Math.max(this.#appendedAt + GATHER_MS, retryAt);
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, at - now));
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#appending ??= this.#append().finally(() => {
      this.#appending = undefined;
      this.#schedule();
    });
  }

  async #append(): Promise<void> {
    this.#appendedAt = performance.now();
    this.#streamedAt = this.#appendedAt;
    const due = [...this.#due].filter(({ retryAt }) => retryAt <= this.#appendedAt);
    for (const place of due) this.#due.delete(place);
    await Promise.all(due.map((place) => this.#appendTo(place)));
  }

  /** One row after the other: what comes first is found first. */
  async #appendTo(place: Place): Promise<void> {
    const { store, clock, writer } = this.#options;
    const until = place.deadlineAt + KEPT_MS;
    let isMore = place.waiting.size > 0;
    while (isMore) {
      const taken = takeRow(place.waiting);
      // What comes meanwhile is gathered for the next time.
      isMore = [...place.waiting].some(({ hasWaiting }) => hasWaiting);
      let appended: Appended;
      try {
        const text = rowText(taken);
        appended = await store.append(place.name, { text, writer, until }, clock.now());
        this.#isFailing = false;
        if (appended.readers.length > 0)
          this.#teller.tell(appended, place.tag, JSON.parse(text) as StreamRow);
      } catch (thrown) {
        for (const [stream, entries] of taken) stream.giveBack(entries);
        this.#failed(place, thrown);
        return;
      }
      for (const [stream] of taken) if (!stream.hasWaiting) place.waiting.delete(stream);
    }
    if (place.waiting.size > 0) this.#due.add(place);
    else if (place.open === 0) await this.#end(place);
  }

  #failed(place: Place, thrown: unknown): void {
    place.retryAt = performance.now() + AGAIN_MS;
    this.#due.add(place);
    if (this.#isFailing) return;
    this.#isFailing = true;
    const { code, message } = toErrorJson(thrown, 'CONNECTION_FAILED');
    this.#options.logger.warn(`streamed pieces were not stored, and wait: ${message}`, { code });
  }

  /** At once: the answer waits for them. */
  async #drain(place: Place, stream: RunStream): Promise<void> {
    const until = performance.now() + CLOSE_LIMIT_MS;
    // What another append has in hand is waited for too.
    while (place.waiting.has(stream) && !this.#isClosed) {
      if (performance.now() >= until || place.retryAt > performance.now()) return;
      this.#flush();
      await this.#appending;
    }
  }

  async #leave(place: Place): Promise<void> {
    place.open--;
    if (place.open === 0 && place.waiting.size === 0) await this.#end(place);
  }

  async #end(place: Place): Promise<void> {
    this.#places.delete(place.name);
    const { store, clock, logger, writer } = this.#options;
    await store.expire(place.name, writer, clock.now() + KEPT_MS).catch((error: unknown) => {
      logger.debug('how long streamed pieces are kept was not noted', { reason: String(error) });
    });
  }

  async #flushAll(): Promise<void> {
    while (this.#due.size > 0 || this.#appending !== undefined) {
      for (const place of this.#due) place.retryAt = 0;
      this.#flush();
      await this.#appending;
      if (this.#isFailing) return;
    }
    await this.#teller.idle();
  }

  async #sweep(): Promise<void> {
    const { store, clock, logger } = this.#options;
    await store.sweep(clock.now()).catch((error: unknown) => {
      logger.debug('streamed pieces were not swept', { reason: String(error) });
    });
    if (this.#places.size > 0 || performance.now() - this.#streamedAt < 2 * KEPT_MS) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

type Taken = readonly (readonly [stream: RunStream, entries: readonly Written[]])[];

/** In the order in which they came, as far as they fit in a row; at least one. */
function takeRow(waiting: ReadonlySet<RunStream>): Taken {
  const taken: [RunStream, readonly Written[]][] = [];
  let left = MAX_ROW_BYTES;
  for (const stream of waiting) {
    if (left <= 0) break;
    const entries = stream.take(left);
    taken.push([stream, entries]);
    left = MAX_ROW_BYTES - bytesOf(taken);
  }
  return taken;
}

function bytesOf(taken: Taken): number {
  return taken.reduce((sum, [, entries]) => entries.reduce((more, { bytes }) => more + bytes, sum), 0);
}

function rowText(taken: Taken): string {
  const parts = taken.map(
    ([{ run }, entries]) =>
      `{"run":${JSON.stringify(run)},"entries":[${entries.map(({ text }) => text).join(',')}]}`,
  );
  return `[${parts.join(',')}]`;
}
