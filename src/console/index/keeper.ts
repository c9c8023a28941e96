// Keeps an index up to date, in the process that serves the console: feeds it, heals it, and removes what is old. Of two consoles on one
// data folder one keeps the index; the other reads, and takes over when the first is gone.
import type { Bridge, Logger } from '../../contract/ports.ts';
import type { IndexRecord, ProcessRecord } from '../../contract/records.ts';
import type { IndexStatus } from '../protocol.ts';
import type { IndexHandle } from './calls.ts';
import { type Feed, startFeed } from './feed.ts';
import { type SweepProgress, type SweepRequest, sweep } from './sweep.ts';

const TICK_MS = 5_000;
const TRIM_EVERY_MS = 60_000;
/** Between two looks at what was written lately. */
const SWEEP_EVERY_MS = 1_800_000;
/** All sessions are compared so often: for rows of forgotten actors of which nobody told. */
const WHOLE_EVERY_MS = 86_400_000;
/** A process that has not told for so long, and did not say that it stops, has died. */
const DEAD_AFTER_MS = 35_000;
/** What a process has committed and not told yet, with room. */
const UNTOLD_MS = 15_000;
const TOLD_UNTIL = 'told-until';

export interface KeeperOptions {
  readonly index: IndexHandle;
  readonly bridge: Pick<Bridge, 'pumpTasks' | 'listSessions' | 'publish'>;
  readonly logger: Logger;
  readonly now: () => number;
  /** Machine types that this process knows of; those that others tell of are added. */
  readonly types: readonly string[];
  /** Actors asked a second while the index is healed. */
  readonly rate: number;
  readonly onTaken: (records: readonly IndexRecord[]) => void;
}

export interface Keeper {
  status(): Promise<IndexStatus>;
  stop(): Promise<void>;
}

export function keepIndex(options: KeeperOptions): Keeper {
  const { index, logger, now } = options;
  const stopping = new AbortController();
  const types = new Set(options.types);
  const processes = new Map<string, number>();
  let feed: Feed | undefined;
  let running: SweepProgress | undefined;
  let queue = Promise.resolve();
  let [trimmedAt, sweptAt, wholeAt] = [0, 0, 0];

  /** One behind the other. */
  const heal = (request: Omit<SweepRequest, 'types'>): void => {
    queue = queue.then(async () => {
      const progress: SweepProgress = { looked: 0, asked: 0, forgotten: 0 };
      running = progress;
      const { signal } = stopping;
      try {
        await sweep({ ...options, signal }, { ...request, types: [...types] }, progress);
      } catch (error) {
        logger.warn(`the index was not compared with the sessions: ${String(error)}`);
      } finally {
        running = undefined;
      }
    });
  };
  const onTaken = (records: readonly IndexRecord[]): void => {
    for (const record of records)
      if (record.kind === 'process') hear(record);
      else types.add(record.type);
    options.onTaken(records);
  };
  const hear = ({ id, at, machines, stopped }: ProcessRecord): void => {
    for (const type of Object.keys(machines)) types.add(type);
    if (stopped === true) processes.delete(id);
    else processes.set(id, at);
  };
  const begin = async (): Promise<void> => {
    feed = startFeed({ ...options, onTaken });
    const until = Number((await index.meta(TOLD_UNTIL)) ?? 0);
    const since = until === 0 ? {} : { since: until - UNTOLD_MS };
    heal({ ...since, unseenSince: now() });
    [sweptAt, wholeAt] = [now(), until === 0 ? now() : 0];
  };
  const tick = async (): Promise<void> => {
    if ((await index.mode()) === 'reading') return;
    if (feed === undefined) await begin();
    const at = now();
    await index.setMeta(TOLD_UNTIL, String(at));
    for (const [id, seenAt] of processes) {
      if (seenAt > at - DEAD_AFTER_MS) continue;
      processes.delete(id);
      heal({ since: seenAt - UNTOLD_MS, unseenSince: at });
    }
    if (at - sweptAt > SWEEP_EVERY_MS) {
      const since = sweptAt - UNTOLD_MS;
      sweptAt = at;
      heal({ since, unseenSince: since });
    }
    if (at - wholeAt > WHOLE_EVERY_MS) {
      wholeAt = at;
      heal({ unseenSince: 1 });
    }
    if (at - trimmedAt > TRIM_EVERY_MS) {
      trimmedAt = at;
      while (await index.trim(now())) if (stopping.signal.aborted) return;
    }
  };
  let ticking = tick().catch(warn);
  const timer = setInterval(() => {
    ticking = ticking.then(tick).catch(warn);
  }, TICK_MS).unref();

  function warn(error: unknown): void {
    if (!stopping.signal.aborted) logger.warn(`the index is not kept: ${String(error)}`);
  }

  return {
    status: async () => {
      const [mode, newestAt, count, bytes] = await Promise.all([
        index.mode(),
        index.newestAt(),
        index.count({}),
        index.bytes(),
      ]);
      return {
        mode,
        actors: count,
        bytes,
        refused: feed?.refused ?? 0,
        ...(newestAt === 0 ? {} : { lagMs: Math.max(0, now() - newestAt) }),
        ...(running === undefined ? {} : { sweep: { looked: running.looked, asked: running.asked } }),
      };
    },
    stop: async () => {
      clearInterval(timer);
      stopping.abort();
      await ticking;
      await feed?.stop();
      await queue;
      await index.close();
    },
  };
}
