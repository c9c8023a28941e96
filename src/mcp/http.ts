// The `fetch` under streamable HTTP. Of what the SDK leaves out it makes something: it asks for headers anew with each request;
// it keeps what a refusal says (429 and its Retry-After, 5xx), which the SDK drops; and it tells when the stream of an answer has
// ended: where it was cut, the SDK waits for the answer until its time is up.
import type { FetchLike } from '@modelcontextprotocol/client';
import { classifyFailure, type FailureKind, failure } from '../contract/failure.ts';
import type { McpEndpoint } from './servers.ts';

export interface HttpOptions {
  readonly headers: McpEndpoint['headers'];
  readonly fetch?: typeof fetch;
  /** The answer to the request with this id comes in a stream. */
  readonly onBegin: (id: string | number) => void;
  /** The stream of the answer to the request with this id has ended, with the answer or without. */
  readonly onEnd: (id: string | number, canResume: boolean) => void;
}

/** Left to the SDK: 400 may be an answer of the protocol, 401 and 403 ask for authorisation, 404 and 405 say what is there. */
const SDK_STATUSES = new Set([400, 401, 403, 404, 405]);
const MAX_TEXT = 500;

export function createFetch({
  headers,
  onBegin,
  onEnd,
  fetch: send = globalThis.fetch,
}: HttpOptions): FetchLike {
  return async (url, init) => {
    const all = new Headers(init?.headers);
    const own = typeof headers === 'function' ? await headers() : headers;
    for (const [name, value] of Object.entries(own ?? {})) all.set(name, value);
    const response = await send(url, { ...init, headers: all });
    if (!response.ok && !SDK_STATUSES.has(response.status)) throw await refusal(response);
    const id = init?.method === 'POST' ? idOf(init.body) : undefined;
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (id === undefined || !isStream || response.body === null) return response;
    onBegin(id);
    const { body, status, statusText } = response;
    const watched = ReadableStream.from(watch(body, (canResume) => onEnd(id, canResume)));
    return new Response(watched, { status, statusText, headers: response.headers });
  };
}

/** As an agent throws it, with the time that it asks to wait. */
async function refusal(response: Response): Promise<Error> {
  const known = classifyFailure(response, { now: Date.now() });
  const text = await response.text().catch(() => '');
  const kind: Exclude<FailureKind, 'cancelled'> =
    known === undefined || known.kind === 'cancelled' ? 'permanent' : known.kind;
  return failure(kind, {
    ...known,
    code: 'MCP_SERVER_FAILED',
    message: `the server answered ${response.status}: ${text.slice(0, MAX_TEXT) || response.statusText}`,
  });
}

function idOf(body: unknown): string | number | undefined {
  if (typeof body !== 'string') return undefined;
  const { id, method } = JSON.parse(body) as { readonly id?: unknown; readonly method?: unknown };
  return method !== undefined && (typeof id === 'string' || typeof id === 'number') ? id : undefined;
}

/** A stream with ids of events can be taken up again where it was cut. */
async function* watch(
  body: ReadableStream<Uint8Array>,
  onEnd: (canResume: boolean) => void,
): AsyncGenerator<Uint8Array> {
  let canResume = false;
  let isOver = false;
  try {
    for await (const chunk of body) {
      canResume ||= /(^|\n)id:/.test(Buffer.from(chunk).toString('latin1'));
      yield chunk;
    }
    isOver = true;
  } catch (error) {
    isOver = true;
    throw error;
  } finally {
    // After the last message has been read; and not where the reader itself let go.
    if (isOver) setImmediate(onEnd, canResume);
  }
}
