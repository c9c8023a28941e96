// How many HTTP requests one call of a model really made. SDKs retry by themselves, and say nothing of it; what the other side counts,
// and perhaps bills, is requests. Node tells of each request of `fetch` and of `node:http` on its diagnostics channels, in the async
// context of who asked for it: so a call is told of its own requests and of no others, and no client has to be wrapped.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';

/** The requests of one call. */
export class HttpTries {
  /** Status of each, in the order in which they began; undefined while, or where, there is no answer. */
  readonly statuses: (number | undefined)[] = [];

  /** Of `fetch` or `node:http`; a client of another kind shows none, and its call is one. */
  get count(): number {
    return Math.max(1, this.statuses.length);
  }

  /** Those before the last one of which nobody knows whether the other side did them: cut before an answer, or behind a good one. */
  get lost(): number {
    return this.statuses.slice(0, -1).filter((status) => status === undefined || status < 300).length;
  }
}

const running = new AsyncLocalStorage<HttpTries>();
/** Which try a request is. */
const known = new WeakMap<object, { readonly tries: HttpTries; readonly at: number }>();
let isListening = false;

/** Runs what makes the call. Requests that it makes later, in its own chains of promises, count too. */
export function countTries<T>(tries: HttpTries, call: () => Promise<T>): Promise<T> {
  listen();
  return running.run(tries, call);
}

function listen(): void {
  if (isListening) return;
  isListening = true;
  subscribe('undici:request:create', (message) => begin(fieldOf(message, 'request')));
  subscribe('undici:request:headers', (message) =>
    answered(fieldOf(message, 'request'), fieldOf(message, 'response')),
  );
  subscribe('http.client.request.start', (message) => begin(fieldOf(message, 'request')));
  subscribe('http.client.response.finish', (message) =>
    answered(fieldOf(message, 'request'), fieldOf(message, 'response')),
  );
}

function begin(request: object | undefined): void {
  const tries = running.getStore();
  if (tries === undefined || request === undefined) return;
  known.set(request, { tries, at: tries.statuses.push(undefined) - 1 });
}

function answered(request: object | undefined, response: object | undefined): void {
  const place = request === undefined ? undefined : known.get(request);
  const { statusCode } = (response ?? {}) as { readonly statusCode?: unknown };
  if (place !== undefined && typeof statusCode === 'number') place.tries.statuses[place.at] = statusCode;
}

function fieldOf(message: unknown, name: 'request' | 'response'): object | undefined {
  const value = (message as Readonly<Record<string, unknown>> | null)?.[name];
  return typeof value === 'object' && value !== null ? value : undefined;
}
