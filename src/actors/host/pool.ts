// The pool of worker threads: admission, time limits and replacement around Piscina. A request never rejects; the death of
// a thread, a time-out and an abort are answers with a code (I7 decides what follows from them).
import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { WorkerPool } from '../../contract/ports.ts';
import type { WorkerRequest, WorkerResponse } from '../../contract/worker.ts';
import { isShortRequest, startLimit } from '../worker/limit.ts';
import type { Threads } from '../worker/threads.ts';
import { startThreads } from '../worker/threads.ts';

export interface WorkerPoolOptions {
  readonly threads: number;
  /** Longest a turn, a description or a custom action may run. Agents bring their own limit. */
  readonly turnTimeoutMs: number;
  /** The worker entry; tests give their own. */
  readonly entry?: URL;
}

interface Waiting {
  readonly request: WorkerRequest;
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** Called when it stops waiting: from then on an abort ends the thread. */
  readonly onStart: () => void;
  readonly respond: (response: WorkerResponse) => void;
}

/** String URLs are not rewritten by the build: the entry has the extension that this file has. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const ENTRY = new URL(`../worker/entry.${EXTENSION}`, import.meta.url);

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  return new Pool(options);
}

class Pool implements WorkerPool {
  readonly #options: WorkerPoolOptions;
  /** A session lock waits for them: they go first. */
  readonly #turns: Waiting[] = [];
  readonly #others: Waiting[] = [];
  #threads: Threads;
  #running = 0;
  #runningOthers = 0;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#threads = this.#start();
  }

  get waiting(): number {
    return this.#turns.length + this.#others.length;
  }

  get waitingTurns(): number {
    return this.#turns.length;
  }

  run(
    request: WorkerRequest,
    { signal, timeoutMs }: { readonly signal?: AbortSignal; readonly timeoutMs?: number } = {},
  ): Promise<WorkerResponse> {
    return new Promise((respond) => {
      const isShort = isShortRequest(request);
      const queue = isShort ? this.#turns : this.#others;
      const limit = timeoutMs ?? (isShort ? this.#options.turnTimeoutMs : undefined);
      const leave = (): void => withdraw(queue, waiting);
      const onStart = (): void => signal?.removeEventListener('abort', leave);
      const waiting: Waiting = { request, timeoutMs: limit, signal, onStart, respond };
      queue.push(waiting);
      signal?.addEventListener('abort', leave, { once: true });
      if (signal?.aborted === true) leave();
      this.#dispatch();
    });
  }

  async replace(): Promise<void> {
    const old = this.#threads;
    this.#threads = this.#start();
    this.#running = 0;
    this.#runningOthers = 0;
    await old.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#dispatch();
    await this.#threads.close();
  }

  #start(): Threads {
    const { threads, entry = ENTRY } = this.#options;
    // Not at once: Piscina says that a thread is created before it counts it among the ready ones, and would hand what
    // comes then to a thread that is still starting. Stopped there, that one would never be replaced.
    const onChange = (): void => queueMicrotask(() => this.#dispatch());
    return startThreads({ threads, entry, onChange });
  }

  #dispatch(): void {
    const refusal = this.#closed ? new QuorateError('ABORTED', 'the pool is closed') : this.#threads.broken;
    if (refusal !== undefined) {
      for (const { respond } of [...this.#turns.splice(0), ...this.#others.splice(0)])
        respond(failed(refusal));
      return;
    }
    for (let next = this.#take(); next !== undefined; next = this.#take())
      void this.#serve(next, this.#threads);
  }

  #take(): Waiting | undefined {
    if (this.#running >= this.#threads.ready) return undefined;
    const turn = this.#turns.shift();
    if (turn !== undefined) return turn;
    // One thread is kept for turns: a CPU agent may run for minutes, a session lock must not wait for it.
    const room = Math.max(1, this.#options.threads - 1);
    return this.#runningOthers < room ? this.#others.shift() : undefined;
  }

  async #serve(waiting: Waiting, threads: Threads): Promise<void> {
    const { request, timeoutMs, signal, onStart, respond } = waiting;
    onStart();
    const others = isShortRequest(request) ? 0 : 1;
    this.#running += 1;
    this.#runningOthers += others;
    const limit = startLimit(request, timeoutMs, signal);
    let response: WorkerResponse;
    try {
      response = await threads.run(request, limit.signal);
    } catch (thrown) {
      response = failed(
        limit.exceeded() ?? new QuorateError('WORKER_DIED', messageOf(thrown), { cause: thrown }),
      );
    } finally {
      limit.end();
    }
    if (threads === this.#threads) {
      this.#running -= 1;
      this.#runningOthers -= others;
    }
    this.#dispatch();
    respond(response);
  }
}

function withdraw(queue: Waiting[], waiting: Waiting): void {
  const place = queue.indexOf(waiting);
  if (place === -1) return;
  queue.splice(place, 1);
  waiting.respond(failed(new QuorateError('ABORTED', `${waiting.request.kind} was withdrawn before it ran`)));
}

function failed(error: QuorateError): WorkerResponse {
  return { kind: 'failed', error: toErrorJson(error, error.code) };
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : `the thread ended: ${String(thrown)}`;
}
