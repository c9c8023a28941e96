// One generation of worker threads: a Piscina pool that knows how many of its threads are ready. pool.ts
// never gives it more requests than that, so a request's time is its running time and not its waiting time.
import { env } from 'node:process';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { QuorateError } from '../../contract/errors.ts';
import { SDK_HELD_BACK, type WorkerRequest, type WorkerResponse } from '../../contract/worker.ts';

/**
 * A turn's heap, its machines' modules and a CPU agent's work; beyond it the thread ends, not the process. Node keeps 16 MB
 * in reserve for ending it: a single allocation that jumps over both still ends the process.
 */
const MAX_HEAP_MB = 512;
/** By default a thread keeps up to 130 MB for short-lived garbage, which a small young generation collects as fast. */
const YOUNG_GENERATION_MB = 12;
/** Loading the entry takes well under a second; a thread that is not ready after this time never will be. */
const READY_TIMEOUT_MS = 20_000;

interface ThreadsOptions {
  readonly threads: number;
  /** Piscina's entry: a file URL. */
  readonly entry: URL;
  /** A thread became ready or was lost. */
  readonly onChange: () => void;
}

export interface Threads {
  /** Threads that can take a request now, busy ones included. */
  readonly ready: number;
  /** Why no thread will ever be ready. */
  readonly broken: QuorateError | undefined;
  /** Rejects when the thread dies; an abort ends the thread. */
  run(
    request: WorkerRequest,
    signal: AbortSignal,
    transfer?: readonly MessagePort[],
  ): Promise<WorkerResponse>;
  /** Lets running requests finish. */
  close(): Promise<void>;
}

export function startThreads({ threads, entry, onChange }: ThreadsOptions): Threads {
  const piscina = new Piscina({
    filename: entry.href,
    name: 'serve',
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
    // Not 'sync': that stops the worker's event loop between requests, with the timers and sockets of its modules.
    atomics: 'async',
    recordTiming: false,
    env: workerEnv(),
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  let ready = 0;
  let broken: QuorateError | undefined;
  // Piscina calls its first threads created before they have loaded anything: those are probed, later ones say so.
  let unannounced = threads;
  const change = (by: number): void => {
    ready += by;
    onChange();
  };
  const fail = (thrown: unknown): void => {
    if (ready > 0) return;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    broken ??= new QuorateError('MODULE_NOT_LOADED', `worker threads do not start: ${why}`, {
      cause: thrown,
    });
    onChange();
  };
  piscina.on('error', fail);
  piscina.on('workerCreate', () => {
    if (unannounced > 0) unannounced -= 1;
    else change(1);
  });
  const probed = probe(piscina, threads, () => change(1)).catch(fail);
  piscina.on('workerDestroy', () => {
    if (ready > 0) change(-1);
  });

  return {
    get ready() {
      return ready;
    },
    get broken() {
      return broken;
    },
    run: (request, signal, transfer) =>
      piscina.run(request, {
        signal,
        ...(transfer === undefined ? {} : { transferList: [...transfer] }),
      }) as Promise<WorkerResponse>,
    async close() {
      await probed;
      await (broken === undefined ? piscina.close() : piscina.destroy());
    },
  };
}

/**
 * A thread runs what `--import` names, and an SDK of OpenTelemetry there would export the same service once more, with timers in
 * each thread. Its own variable keeps it from starting. The entry takes it back, for an agent that starts one itself.
 */
function workerEnv(): NodeJS.ProcessEnv {
  const { OTEL_SDK_DISABLED: given } = env;
  return { ...env, OTEL_SDK_DISABLED: 'true', [SDK_HELD_BACK]: given ?? '' };
}

/** One probe a thread: each takes the thread's only place, so that they spread over all. */
async function probe(piscina: Piscina, threads: number, onReady: () => void): Promise<void> {
  const signal = AbortSignal.timeout(READY_TIMEOUT_MS);
  const probes = Array.from({ length: threads }, async () => {
    await piscina.run(null, { name: 'ready', signal });
    onReady();
  });
  await Promise.all(probes);
}
