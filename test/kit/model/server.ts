// A provider of models over HTTP, for tests and benches. It speaks as OpenAI does where it is asked at `/chat/completions`, streamed
// or not, and at `/responses`, as Anthropic does at `/messages`, and a shorter JSON elsewhere; it keeps limits, works for a while, and fails, hangs and cuts as it is told. What it counted
// and would bill is the truth that usage, limits and budgets are held against.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { billed, type Call, type End, type Limit, tokensOf, Window } from './account.ts';
import { messages, toMessageUsage } from './anthropic.ts';
import { type Answer, type Counted, chat, completion, type ToolCall, toUsage } from './openai.ts';
import { responses, toResponseUsage } from './responses.ts';

export type { Call } from './account.ts';

export interface ModelAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** What becomes of one call that is let through. */
export interface Work {
  /** From the request to the whole answer. Default 0. */
  readonly ms?: number;
  /** Default as many as `text` has pieces, else 3; one token of a stream is one piece. */
  readonly outputTokens?: number;
  /** Of the input. */
  readonly cachedTokens?: number;
  /** Of the output. */
  readonly reasoningTokens?: number;
  /** What it answers; default a word for each token. */
  readonly text?: string;
  /** What it asks the caller for. */
  readonly toolCalls?: readonly ToolCall[];
  /** Default 'tool_calls' or 'stop'; null is none. */
  readonly finish?: string | null;
  /** Never answers. */
  readonly hangs?: true;
  /** Closes the connection without an answer. */
  readonly drops?: true;
  /** Streams so many tokens, and says no more. */
  readonly hangsAfter?: number;
  /** Streams so many tokens, and closes the connection without an end. */
  readonly cutsAfter?: number;
  /** Streams so many tokens, and then an error. */
  readonly failsAfter?: { readonly tokens: number; readonly error: object };
  /** Says nothing of what it counted. */
  readonly isSilent?: true;
}

/** `nth`: how many calls came before. */
export interface Asked {
  readonly path: string;
  readonly nth: number;
  readonly body: string;
}

export interface ModelServerOptions {
  readonly limit?: Limit;
  /** Ahead of the limit; undefined goes the usual way. */
  readonly fail?: (path: string, before: number) => ModelAnswer | undefined;
  readonly work?: (asked: Asked) => Work;
}

export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  /** Answers by their status, each with the path that was asked. */
  readonly asked: readonly { readonly path: string; readonly status: number }[];
  count(status: number): number;
  readonly running: number;
  /** Those that have ended, in that order. */
  readonly calls: readonly Call[];
  /** Of all that have ended. */
  billedTokens(): number;
}

const request = z.looseObject({
  model: z.string().catch('model'),
  stream: z.boolean().catch(false),
  max_tokens: z.number().catch(0),
  max_output_tokens: z.number().optional().catch(undefined),
  stream_options: z.looseObject({ include_usage: z.boolean() }).optional().catch(undefined),
});

export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const { limit, fail, work } = options;
  const asked: { path: string; status: number }[] = [];
  const calls: Call[] = [];
  const window = limit === undefined ? undefined : new Window(limit);
  let running = 0;

  const refusal = (path: string, tokens: number): ModelAnswer | undefined => {
    const own = fail?.(path, asked.length);
    // A failure ahead of the limit does not use it up; so does none of ours that answers well.
    if (own !== undefined) return own;
    const over = window?.take(tokens, Date.now());
    return over === undefined ? undefined : tooMany(over);
  };

  const answer = (path: string, body: string, response: ServerResponse): void => {
    const given = parse(body);
    const inputTokens = tokensOf(body);
    const begunAt = Date.now();
    const refused = refusal(path, inputTokens + (given.max_output_tokens ?? given.max_tokens));
    const does = work?.({ path, nth: asked.length, body }) ?? {};
    const { ms = 0, hangs, drops } = does;
    const pieces = piecesOf(does);
    const { outputTokens: whole = pieces.length === 0 ? TOOL_TOKENS : pieces.length } = does;
    const status = refused?.status ?? 200;
    asked.push({ path, status });
    running += 1;
    let made = 0;
    let open = true;
    const timers = new Set<NodeJS.Timeout>();
    const end = (how: End): void => {
      if (!open) return;
      open = false;
      running -= 1;
      for (const timer of timers) clearTimeout(timer);
      const outputTokens = how === 'answered' ? whole : made;
      const billedTokens = billed(how, { inputTokens, made, whole, streams: given.stream });
      calls.push({
        path,
        status,
        begunAt,
        endedAt: Date.now(),
        end: how,
        inputTokens,
        outputTokens,
        billedTokens,
      });
    };
    const later = (atMs: number, then: () => void): void => {
      if (atMs <= 0) return then();
      timers.add(setTimeout(then, atMs));
    };
    response.once('close', () => end(hangs === true ? 'hung' : 'aborted'));
    const usage = does.isSilent === true ? undefined : { inputTokens, outputTokens: whole };
    const speaks = dialectOf(path);
    const says = toAnswer(speaks, given, does, { inputTokens, outputTokens: whole });
    if (refused !== undefined) {
      end(status < 400 ? 'answered' : 'refused');
      response.writeHead(status, { 'content-type': 'application/json', ...refused.headers });
      response.end(JSON.stringify(refused.body ?? {}));
    } else if (hangs === true) {
      // The connection stays open until the caller has had enough.
    } else if (drops === true) {
      end('cut');
      response.destroy();
    } else if (given.stream) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      const begins = speaks.begin(says);
      if (begins !== '') response.write(begins);
      const { cutsAfter, hangsAfter, failsAfter } = does;
      const stop = cutsAfter ?? hangsAfter ?? failsAfter?.tokens ?? pieces.length;
      // Timers of neighbouring milliseconds may overtake each other: each says what comes next.
      const sayNext = (): void => {
        if (made >= stop || !open) return;
        const text = pieces[made] ?? `w${made + 1} `;
        response.write(speaks.piece(given.model, text, made));
        made += 1;
      };
      for (let at = 0; at < stop; at++) later((ms * (at + 1)) / whole, sayNext);
      // Once what was streamed is on its way: a cut takes along what is not.
      const flushed = (then: () => void): void => void response.write(': \n\n', () => setImmediate(then));
      later((ms * stop) / whole, () => {
        for (let left = stop - made; left > 0; left--) sayNext();
        if (hangsAfter !== undefined) return;
        end(cutsAfter !== undefined ? 'cut' : failsAfter === undefined ? 'answered' : 'broke');
        if (cutsAfter !== undefined) return flushed(() => response.destroy());
        response.end(failsAfter === undefined ? speaks.end(says) : speaks.failure(failsAfter.error));
      });
    } else {
      later(ms, () => {
        end('answered');
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(isChat(path) ? completion(says) : plain(usage)));
      });
    }
  };

  const server = createServer((incoming, response) => {
    const { url: path = '/' } = incoming;
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => answer(path, Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    count: (status) => asked.filter((one) => one.status === status).length,
    get running() {
      return running;
    },
    calls,
    billedTokens: () => calls.reduce((sum, { billedTokens }) => sum + billedTokens, 0),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function parse(body: string): z.infer<typeof request> {
  try {
    return request.parse(JSON.parse(body));
  } catch {
    return request.parse({});
  }
}

function tooMany({ waitMs, of }: { readonly waitMs: number; readonly of: string }): ModelAnswer {
  const headers = { 'retry-after-ms': String(waitMs), 'retry-after': String(Math.ceil(waitMs / 1_000)) };
  return { status: 429, headers, body: { error: { type: of, code: 'rate_limit_exceeded' } } };
}

function isChat(path: string): boolean {
  return path.split('?')[0]?.endsWith('/chat/completions') === true;
}

/** How a provider streams. */
interface Dialect {
  readonly begin: (answer: Answer) => string;
  /** `n`: pieces that came before. */
  readonly piece: (model: string, text: string, n: number) => string;
  readonly end: (answer: Answer) => string;
  readonly failure: (error: object) => string;
  readonly usage: (counted: Counted) => object;
  /** Says what it used only where it is asked to. */
  readonly isAsked?: true;
}

function dialectOf(path: string): Dialect {
  const [place = ''] = path.split('?');
  if (place.endsWith('/messages')) return { ...messages, usage: toMessageUsage };
  if (place.endsWith('/responses')) return { ...responses, usage: toResponseUsage };
  return { ...chat, usage: toUsage, isAsked: true };
}

const CHARACTERS_A_PIECE = 4;
const TOOL_TOKENS = 3;

function piecesOf({ text, outputTokens = 3, toolCalls }: Work): readonly string[] {
  if (text !== undefined) return text.match(new RegExp(`.{1,${CHARACTERS_A_PIECE}}`, 'gs')) ?? [];
  if (toolCalls !== undefined) return [];
  return Array.from({ length: outputTokens }, (_, at) => `w${at + 1} `);
}

function toAnswer(
  speaks: Dialect,
  { model, stream, stream_options: options }: z.infer<typeof request>,
  does: Work,
  counted: { readonly inputTokens: number; readonly outputTokens: number },
): Answer {
  const { toolCalls = [], isSilent, cachedTokens, reasoningTokens } = does;
  const { finish = toolCalls.length > 0 ? 'tool_calls' : 'stop' } = does;
  const isTold = isSilent !== true && (!stream || speaks.isAsked !== true || options?.include_usage === true);
  const usage = isTold ? speaks.usage({ ...counted, cachedTokens, reasoningTokens }) : undefined;
  return { model, pieces: piecesOf(does), toolCalls, finish, usage };
}

function plain(counted: { readonly inputTokens: number; readonly outputTokens: number } | undefined): object {
  if (counted === undefined) return { text: 'so it is' };
  const { inputTokens, outputTokens } = counted;
  return { text: 'so it is', usage: { input_tokens: inputTokens, output_tokens: outputTokens } };
}
