// One call of `publish`: its messages may leave in several batches; it ends with the last of them, or the first failure.
import type { SpanContext } from '@opentelemetry/api';
import { tooLate } from '../../contract/errors.ts';
import type { Published } from '../../contract/ports.ts';
import type { WireMessage } from '../../contract/wire.ts';

export class PublishCall {
  readonly #results: Published[];
  #left: number;
  #failed = false;
  readonly #mayBegin: () => boolean;
  readonly #end = Promise.withResolvers<readonly Published[]>();

  constructor(count: number, mayBegin: () => boolean = () => true) {
    this.#mayBegin = mayBegin;
    this.#results = Array.from({ length: count }, () => ({}));
    this.#left = count;
    if (count === 0) this.#end.resolve(this.#results);
  }

  get promise(): Promise<readonly Published[]> {
    return this.#end.promise;
  }

  /** Nothing more of a failed call is sent: what follows must not overtake what did not leave. */
  get failed(): boolean {
    return this.#failed;
  }

  /** To be asked before each send: one that is too late has failed then (I2). */
  get late(): boolean {
    if (!this.#mayBegin()) this.fail(tooLate());
    return this.#failed;
  }

  accepted(index: number, published?: Published): void {
    if (published !== undefined) this.#results[index] = published;
    this.#left -= 1;
    if (this.#left === 0) this.#end.resolve(this.#results);
  }

  fail(error: unknown): void {
    this.#failed = true;
    this.#end.reject(error);
  }
}

/** One message on its way, and where its result belongs. */
export interface PendingMessage {
  readonly message: WireMessage;
  readonly call: PublishCall;
  readonly index: number;
  /** The span that was active when it was published. */
  readonly from?: SpanContext | undefined;
}
