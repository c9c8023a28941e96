// Cancelled work, as one process knows it. Who closes an execution stores its mark before anything else of that turn leaves; who
// does the work looks before it begins, and while it runs: at once where both are one process, else by asking the store again and
// again, and told by a message where it is known who does it. A store that does not answer cancels nothing (docs/decisions/0090).
import type { CancellationStore } from '../../contract/payload.ts';
import type { Clock, Logger } from '../../contract/ports.ts';

/** How long a mark that was not found counts as not there, where the store is across a network. */
const NOT_FOUND_MS = 500;
/** How often running work asks, with the store on this machine and across a network. */
const POLL_LOCAL_MS = 500;
const POLL_MS = 5_000;
/** What is remembered, in marks: some megabytes. */
const MAX_REMEMBERED = 20_000;

export interface Cancellations {
  /**
   * Rejects when the store did not take it. `until` (epoch ms) is when nothing can hang on it any more. `life` is the mark of
   * whose they are: the processes that run something of it are told.
   */
  cancel(marks: readonly string[], until: number, life?: string): Promise<void>;
  /** Another process has cancelled these. */
  heard(marks: readonly string[]): void;
  /** Whether one of them is cancelled, as of half a second ago at most. */
  isCancelled(marks: readonly string[]): Promise<boolean>;
  /** As of now. */
  isCancelledNow(marks: readonly string[]): Promise<boolean>;
  /** Calls back at most once. Gives what ends the watch. */
  watch(marks: readonly string[], onCancelled: () => void): () => void;
}

export interface CancellationOptions {
  readonly store: CancellationStore;
  readonly isLocal: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tells other processes; what it does not reach finds the marks by itself. */
  readonly tell?: (life: string, marks: readonly string[]) => Promise<void>;
}

interface Watched {
  readonly marks: readonly string[];
  readonly onCancelled: () => void;
}

export function createCancellations(options: CancellationOptions): Cancellations {
  const { store, isLocal, clock, logger, tell } = options;
  const notFoundMs = isLocal ? 0 : NOT_FOUND_MS;
  const cancelled = new Remembered<true>();
  /** When it was looked for, in this process's own time. */
  const notFound = new Remembered<number>();
  const watched = new Set<Watched>();
  let polling: NodeJS.Timeout | undefined;

  const found = (marks: readonly string[]): void => {
    if (marks.length === 0) return;
    for (const mark of marks) cancelled.set(mark, true);
    const gone = new Set(marks);
    for (const one of watched) {
      if (!one.marks.some((mark) => gone.has(mark))) continue;
      watched.delete(one);
      one.onCancelled();
    }
  };

  const look = async (marks: readonly string[], oldestMs: number): Promise<boolean> => {
    if (marks.some((mark) => cancelled.get(mark))) return true;
    const now = performance.now();
    const unknown = marks.filter((mark) => now - (notFound.get(mark) ?? -Infinity) >= oldestMs);
    if (unknown.length === 0) return false;
    try {
      const there = await store.find(unknown);
      if (notFoundMs > 0) for (const mark of unknown) notFound.set(mark, now);
      found(there);
      return there.length > 0;
    } catch (error) {
      logger.debug('cancellations were not looked up', { reason: String(error) });
      return false;
    }
  };

  const poll = async (): Promise<void> => {
    await look([...new Set([...watched].flatMap(({ marks }) => marks))], 0);
    polling = watched.size === 0 ? undefined : pollLater();
  };
  const pollLater = (): NodeJS.Timeout =>
    setTimeout(() => void poll(), isLocal ? POLL_LOCAL_MS : POLL_MS).unref();

  return {
    cancel: async (marks, until, life) => {
      await store.put(marks, until, clock.now());
      found(marks);
      if (life === undefined) return;
      tell?.(life, marks).catch((error: unknown) => {
        logger.debug('processes were not told what is cancelled', { reason: String(error) });
      });
    },
    heard: found,
    isCancelled: (marks) => look(marks, notFoundMs),
    isCancelledNow: (marks) => look(marks, 0),
    watch: (marks, onCancelled) => {
      const one: Watched = { marks, onCancelled };
      if (marks.length > 0) {
        watched.add(one);
        polling ??= pollLater();
      }
      return () => void watched.delete(one);
    },
  };
}

/** The latest of them. */
class Remembered<T> {
  readonly #entries = new Map<string, T>();

  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: T): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
