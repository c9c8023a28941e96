// The pool of worker threads: admission, time limits and replacement around Piscina. A request never rejects; the death of
// a thread, a time-out and an abort are answers with a code (I7 decides what follows from them).
import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { WorkerPool } from '../../contract/ports.ts';
import type { WorkerRequest, WorkerResponse } from '../../contract/worker.ts';
import { GRACE_MS, openAgentLine } from './agent-line.ts';
import { startThreads, type Threads } from './threads.ts';
import { type Lane, laneOf, startLimit } from './time-limit.ts';
import { createTurnGroups, type Groupable, toRequest } from './turn-groups.ts';

export interface WorkerPoolOptions {
  readonly threads: number;
  /** Longest time in ms that a turn, a description or a custom action may run. Agents have their own limit. */
  readonly turnTimeoutMs: number;
  /** What an agent has to end by itself once it was told, in ms; tests give less. */
  readonly graceMs?: number;
  /** The worker entry; tests give their own. */
  readonly entry?: URL;
}

interface Waiting extends Groupable {
  readonly timeoutMs: number | undefined;
  /** Called when a thread takes the request: from then on an abort ends the thread. */
  readonly onStart: () => void;
  readonly onUsage: ((usage: unknown) => void) | undefined;
  readonly onChunk: ((chunk: unknown) => void) | undefined;
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
  /** Turns go first, because a session lock waits for them. */
  readonly #turns: Waiting[] = [];
  readonly #actions: Waiting[] = [];
  readonly #others: Waiting[] = [];
  readonly #groups = createTurnGroups();
  #soon = false;
  #threads: Threads;
  #running = 0;
  #runningOthers = 0;
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#threads = this.#start();
  }

  get waiting(): number {
    return this.#turns.length + this.#actions.length + this.#others.length;
  }

  get waitingTurns(): number {
    return this.#turns.length;
  }

  run(
    request: WorkerRequest,
    { signal, timeoutMs, onBegin, onUsage, onChunk }: NonNullable<Parameters<WorkerPool['run']>[1]> = {},
  ): Promise<WorkerResponse> {
    return new Promise((respond) => {
      const lane = laneOf(request);
      const queue = this.#queue(lane);
      const limit = timeoutMs ?? (lane === 'others' ? undefined : this.#options.turnTimeoutMs);
      const leave = (): void => withdraw(queue, waiting);
      const onStart = (): void => {
        signal?.removeEventListener('abort', leave);
        onBegin?.();
      };
      const waiting: Waiting = {
        request,
        timeoutMs: limit,
        signal,
        alone: false,
        onStart,
        onUsage,
        onChunk,
        respond,
      };
      queue.push(waiting);
      signal?.addEventListener('abort', leave, { once: true });
      if (signal?.aborted === true) leave();
      if (request.kind === 'turn') this.#dispatchSoon();
      else this.#dispatch();
    });
  }

  #queue(lane: Lane): Waiting[] {
    return lane === 'turns' ? this.#turns : lane === 'actions' ? this.#actions : this.#others;
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

  /** One turn of the event loop, so that turns of messages that came together go to a thread together. */
  #dispatchSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    setImmediate(() => {
      this.#soon = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    const refusal = this.#closed ? new QuorateError('ABORTED', 'the pool is closed') : this.#threads.broken;
    if (refusal !== undefined) {
      for (const { respond } of [
        ...this.#turns.splice(0),
        ...this.#actions.splice(0),
        ...this.#others.splice(0),
      ])
        respond(failed(refusal));
      return;
    }
    for (let next = this.#take(); next !== undefined; next = this.#take())
      void this.#serve(next, this.#threads);
  }

  #take(): readonly Waiting[] | undefined {
    const free = this.#threads.ready - this.#running;
    if (free <= 0) return undefined;
    if (this.#turns.length > 0) return this.#groups.take(this.#turns, free);
    // One thread is kept for turns: an agent or an action may run for minutes, a session lock must not wait for it.
    const room = Math.max(1, this.#options.threads - 1);
    const other = this.#runningOthers < room ? (this.#actions.shift() ?? this.#others.shift()) : undefined;
    return other === undefined ? undefined : [other];
  }

  async #serve(group: readonly Waiting[], threads: Threads): Promise<void> {
    const request = toRequest(group);
    for (const { onStart } of group) onStart();
    const others = laneOf(request) === 'turns' ? 0 : 1;
    this.#running += 1;
    this.#runningOthers += others;
    const response = await this.#run(request, group[0], threads);
    if (threads === this.#threads) {
      this.#running -= 1;
      this.#runningOthers -= others;
    }
    if (response.kind === 'failed' && group.length > 1)
      this.#turns.unshift(...group.map((one) => ({ ...one, alone: true })));
    else if (response.kind === 'turns') this.#answerAll(group, response);
    else group[0]?.respond(response);
    this.#dispatch();
  }

  async #run(
    request: WorkerRequest,
    { timeoutMs, signal, onUsage, onChunk }: Partial<Waiting> = {},
    threads: Threads,
  ): Promise<WorkerResponse> {
    const { graceMs = GRACE_MS } = this.#options;
    const line = request.kind === 'agent' ? openAgentLine(request, { onUsage, onChunk }) : undefined;
    const telling =
      line === undefined ? undefined : { tell: (error: QuorateError) => line.tell(error), graceMs };
    const limit = startLimit(request, timeoutMs, signal, telling);
    try {
      const response = await threads.run(line?.request ?? request, limit.signal, line?.transfer);
      if (response.kind === 'outcome') await line?.heard();
      // Too late is too late, also where it ended by itself then. Of what was withdrawn the end is told.
      const exceeded = limit.exceeded();
      return exceeded?.code === 'AGENT_TIMEOUT' ? failed(exceeded) : response;
    } catch (thrown) {
      return failed(limit.exceeded() ?? toEnd(thrown));
    } finally {
      limit.end();
      line?.close();
    }
  }

  #answerAll(group: readonly Waiting[], { responses, tookMs }: WorkerResponse & { kind: 'turns' }): void {
    this.#groups.took(group.length, tookMs);
    for (const [at, { respond }] of group.entries()) {
      const response = responses[at];
      if (response !== undefined) respond(response);
    }
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

/** How a thread ended: by itself, because it could not import something, or by what ran in it. */
function toEnd(thrown: unknown): QuorateError {
  const ownCode = (thrown as { readonly code?: unknown } | undefined)?.code;
  const code = ownCode === 'MODULE_NOT_LOADED' ? ownCode : 'WORKER_DIED';
  return new QuorateError(code, messageOf(thrown), { cause: thrown });
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : `the thread ended: ${String(thrown)}`;
}
