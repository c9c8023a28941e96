// A model of the `ai` package as Quorate calls it, for one attempt of an agent. Each call is reserved for before it begins and settled
// when it has ended: at what it used where the provider said so, else as it was reserved, for only a whole answer tells its usage. Idle
// timers end a call that stands still. A cut stream, an error within it and one that ends without a reason become errors.
import type { LanguageModelMiddleware } from 'ai';
import { limitSignal } from '../common/signals.ts';
import type { AgentContext } from '../contract/config.ts';
import type { AgentFailure } from '../contract/failure.ts';
import type { Reservation } from '../contract/usage.ts';
import { ending, failedCall, isRefusal, type Reached } from './endings.ts';
import { type CallEstimate, estimateCall } from './estimate.ts';
import { countTries, HttpTries } from './http-tries.ts';
import { type ChatSpan, openChat } from './spans.ts';

type WrapStream = NonNullable<LanguageModelMiddleware['wrapStream']>;
type Opened = Awaited<ReturnType<WrapStream>>;
type Part = Opened['stream'] extends ReadableStream<infer P> ? P : never;
type CallParams = Parameters<WrapStream>[0]['params'];
type CountedUsage = Extract<Part, { type: 'finish' }>['usage'];

export interface MeterSettings {
  readonly maxOutputTokens: number;
  /** Longest wait for the first piece of an answer, and between two. */
  readonly firstChunkMs: number;
  readonly chunkMs: number;
}

/** Parts that say nothing of the answer: a stream that has only these stands still. */
const KEEPS_OPEN: ReadonlySet<Part['type']> = new Set([
  'stream-start',
  'response-metadata',
  'raw',
  'ping',
  // What a provider alone knows: Anthropic's begins with the beginning of its message.
  'custom',
]);

/** The calls of one attempt. */
export class Calls {
  /** Why the last one failed; the attempt fails of it, whatever the SDK makes of it. */
  failure: Error | undefined;
  begun = 0;
  readonly #context: AgentContext;
  readonly #settings: MeterSettings;

  constructor(context: AgentContext, settings: MeterSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  get middleware(): LanguageModelMiddleware {
    return { specificationVersion: 'v4', wrapStream: ({ model, params }) => this.#open(model, params) };
  }

  async #open(model: Parameters<WrapStream>[0]['model'], params: CallParams): Promise<Opened> {
    try {
      const estimate = estimateCall(params, this.#settings.maxOutputTokens);
      const reservation = await this.#context.reserve({ ...estimate, model: model.modelId });
      this.begun++;
      const chat = openChat(model, params.maxOutputTokens ?? this.#settings.maxOutputTokens);
      const begun = { params, estimate, reservation, chat };
      const call = new Call(model.modelId, begun, this.#context, this.#settings);
      return await call.open((signal) => model.doStream({ ...params, abortSignal: signal }), this.#fail);
    } catch (thrown) {
      throw this.#fail(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  readonly #fail = (failure: Error): Error => {
    this.failure ??= failure;
    return failure;
  };
}

interface Begun {
  readonly params: CallParams;
  readonly estimate: CallEstimate;
  readonly reservation: Reservation;
  readonly chat: ChatSpan;
}

/** One of them, from its reservation to its settlement. */
class Call {
  readonly #model: string;
  readonly #begun: Begun;
  readonly #context: AgentContext;
  readonly #settings: MeterSettings;
  readonly #tries = new HttpTries();
  readonly #stop = new AbortController();
  #reached: Reached = 'asked';
  #isSettled = false;

  constructor(model: string, begun: Begun, context: AgentContext, settings: MeterSettings) {
    this.#model = model;
    this.#begun = begun;
    this.#context = context;
    this.#settings = settings;
  }

  async open(
    doStream: (signal: AbortSignal) => PromiseLike<Opened>,
    fail: (failure: Error) => Error,
  ): Promise<Opened> {
    const limited = limitSignal({ sources: [this.#begun.params.abortSignal, this.#stop.signal] });
    const { signal, aborted, release } = limited;
    const end = async (thrown: unknown): Promise<Error> => {
      release();
      const failure = await this.#failed(thrown);
      this.#begun.chat.failed(failure);
      return fail(failure);
    };
    let opened: Opened;
    try {
      // Before it has begun nothing is paid.
      if (signal.aborted) throw this.#settle({ calls: 0, inputTokens: 0, outputTokens: 0 }, signal.reason);
      const call = countTries(this.#tries, async () => doStream(signal));
      opened = await this.#inTime(Promise.race([call, aborted]), this.#settings.firstChunkMs);
    } catch (thrown) {
      throw await end(thrown);
    }
    this.#reached = 'opened';
    const reader = opened.stream.getReader();
    // A provider that does not listen keeps its stream, and nobody waits for it.
    const leave = (): void => void reader.cancel(signal.reason).catch(() => {});
    signal.addEventListener('abort', leave, { once: true });
    const stream = new ReadableStream<Part>({
      pull: async (controller) => {
        try {
          const part = await this.#next(reader, aborted);
          controller.enqueue(part);
          if (part.type !== 'finish') return;
          await this.#finished(part);
          release();
        } catch (thrown) {
          leave();
          controller.enqueue({ type: 'error', error: await end(thrown) });
        }
        controller.close();
      },
      cancel: async (reason) => {
        leave();
        await end(reason);
      },
    });
    return { ...opened, stream };
  }

  /** Rejects at the end of a stream that did not say that it is the end. */
  async #next(reader: ReadableStreamDefaultReader<Part>, aborted: Promise<never>): Promise<Part> {
    const { firstChunkMs, chunkMs } = this.#settings;
    const stopAt = performance.now() + (this.#reached === 'begun' ? chunkMs : firstChunkMs);
    for (;;) {
      const read = Promise.race([reader.read(), aborted]);
      const { done, value } = await this.#inTime(read, Math.max(0, stopAt - performance.now()));
      if (done)
        throw ending(
          'MODEL_CUT',
          { kind: 'incomplete' },
          `the answer of ${this.#model} ended without a reason`,
        );
      if (value.type === 'error') throw value.error;
      // Its first parts come with the status, and the SDK waits for them.
      if (!KEEPS_OPEN.has(value.type)) this.#reached = 'begun';
      else if (value.type === 'ping' || value.type === 'raw') continue;
      return value;
    }
  }

  async #inTime<T>(work: Promise<T>, ms: number): Promise<T> {
    const { promise: silent, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = this.#silent();
      reject(error);
      this.#stop.abort(error);
    }, ms);
    try {
      return await Promise.race([work, silent]);
    } finally {
      clearTimeout(timer);
    }
  }

  #silent(): Error {
    const { firstChunkMs, chunkMs } = this.#settings;
    const isBegun = this.#reached === 'begun';
    const what = isBegun
      ? `stood still for ${chunkMs} ms`
      : `gave no piece of an answer within ${firstChunkMs} ms`;
    return ending('MODEL_SILENT', { kind: 'unknown' }, `${this.#model} ${what}`);
  }

  /** Settles a call that is over, and says why. Of one that was refused nothing is settled: it counts nothing. */
  async #failed(thrown: unknown): Promise<Error> {
    if (this.#isSettled) return asError(thrown);
    const { prompt: asked } = this.#begun.params;
    const reached = this.#reachedIn();
    const facts = { model: this.#model, reached, asked, now: Date.now() };
    const failure = isOurs(thrown) ? thrown : failedCall(thrown, facts);
    await this.#countTries();
    const { aborted, reason } = this.#context.signal;
    if (aborted || !isRefusal(failure, reached)) this.#settle({});
    return aborted ? asError(reason) : failure;
  }

  /** Some providers wait for the first piece, and give an error in its place a status that the other side never sent. */
  #reachedIn(): Reached {
    const status = this.#tries.statuses.at(-1);
    const isOpened = status !== undefined && status < 300;
    return this.#reached === 'asked' && isOpened ? 'opened' : this.#reached;
  }

  async #finished({ usage, finishReason }: Extract<Part, { type: 'finish' }>): Promise<void> {
    await this.#countTries();
    const used = toUsage(usage);
    this.#settle(
      used === undefined ? {} : { ...used, model: this.#model, calls: this.#tries.count - this.#tries.lost },
    );
    const { unified, raw } = finishReason;
    // `other` without a word of the provider is what older providers say of a stream that was cut.
    const isCut =
      unified === 'interrupted' || unified === 'error' || (unified === 'other' && raw === undefined);
    if (isCut || raw === 'error')
      throw ending(
        'MODEL_CUT',
        { kind: 'incomplete' },
        `the answer of ${this.#model} ended without a reason`,
      );
    this.#begun.chat.ended(unified, used ?? {});
  }

  #settle<T>(usage: Parameters<Reservation['settle']>[0], then?: T): T | undefined {
    this.#begun.reservation.settle(usage);
    this.#isSettled = true;
    return then;
  }

  /** What the SDK did over again without a word was perhaps paid, each time. */
  async #countTries(): Promise<void> {
    const { count, lost } = this.#tries;
    if (count === 1) return;
    const { logger, key, reserve } = this.#context;
    logger.warn(`the client of ${this.#model} made ${count} requests for one call: switch off its retries`, {
      task: key,
    });
    for (let at = 0; at < lost; at++) {
      const again = await reserve({ ...this.#begun.estimate, model: this.#model }).catch(() => undefined);
      again?.settle({});
    }
  }
}

function isOurs(thrown: unknown): thrown is AgentFailure {
  return thrown instanceof Error && 'failure' in thrown;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Of both or of none: what one of them leaves open was not nothing. */
function toUsage({ inputTokens, outputTokens }: CountedUsage) {
  if (inputTokens.total === undefined || outputTokens.total === undefined) return undefined;
  return {
    inputTokens: inputTokens.total,
    outputTokens: outputTokens.total,
    cachedInputTokens: inputTokens.cacheRead,
    reasoningTokens: outputTokens.reasoning,
  };
}
