// Cancels the requests in flight at once when their lock is lost. The SDK would wait for its time-out (60 s for a
// settlement), and could send a write on a new connection after the lock is gone (I1).

/** What the SDK needs of an abort signal. Each request has one, because the SDK adds listeners and never removes them. */
export interface RequestSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: (this: RequestSignal, event: unknown) => void): void;
  removeEventListener(type: 'abort', listener: (this: RequestSignal, event: unknown) => void): void;
}

class Request implements RequestSignal {
  aborted = false;
  readonly #listeners = new Set<(this: RequestSignal, event: unknown) => void>();
  readonly cancel: (why: Error | undefined) => void;

  constructor(onCancel: (why: Error | undefined) => void) {
    this.cancel = (why) => {
      this.aborted = true;
      for (const listener of this.#listeners) listener.call(this, { type: 'abort' });
      onCancel(why);
    };
  }

  addEventListener(_type: 'abort', listener: (this: RequestSignal, event: unknown) => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: (this: RequestSignal, event: unknown) => void): void {
    this.#listeners.delete(listener);
  }
}

export type Reply<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The lock or the connection was lost meanwhile: nobody knows what the request did. `why`: how the connection failed. */
  | { readonly kind: 'cancelled'; readonly why?: Error };

/** Open until it is sealed; sealing it cancels every request in flight and refuses later ones. */
export class AbortScope {
  #sealed = false;
  readonly #requests = new Set<Request>();

  get sealed(): boolean {
    return this.#sealed;
  }

  seal(why?: Error): void {
    if (this.#sealed) return;
    this.#sealed = true;
    for (const request of this.#requests) request.cancel(why);
    this.#requests.clear();
  }

  run<T>(start: (signal: RequestSignal) => Promise<T>): Promise<Reply<T>> {
    if (this.#sealed) return Promise.resolve({ kind: 'cancelled' });
    return new Promise((resolve) => {
      const request = new Request((why) =>
        resolve(why === undefined ? { kind: 'cancelled' } : { kind: 'cancelled', why }),
      );
      this.#requests.add(request);
      const end = (reply: Reply<T>): void => {
        this.#requests.delete(request);
        resolve(reply);
      };
      start(request).then(
        (value) => end({ kind: 'done', value }),
        (error: unknown) => end({ kind: 'failed', error }),
      );
    });
  }
}
