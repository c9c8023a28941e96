// A provider of models over HTTP, for tests and benches. It speaks as OpenAI does where it is asked at `/chat/completions`, streamed
// or not, and a shorter JSON elsewhere; it keeps limits, works for a while, and fails, hangs and cuts as it is told. What it counted
// and would bill is the truth that usage, limits and budgets are held against.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { billed, type Call, type End, type Limit, tokensOf, Window } from './account.ts';

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
  /** Default 3; one token of a stream is one piece. */
  readonly outputTokens?: number;
  /** Never answers. */
  readonly hangs?: true;
  /** Streams so many tokens, and closes the connection without an end. */
  readonly cutsAfter?: number;
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
    const refused = refusal(path, inputTokens + given.max_tokens);
    const {
      ms = 0,
      outputTokens: whole = 3,
      hangs,
      cutsAfter,
      isSilent,
    } = work?.({ path, nth: asked.length, body }) ?? {};
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
    const usage = { inputTokens, outputTokens: whole, isSilent };
    if (refused !== undefined) {
      end(status < 400 ? 'answered' : 'refused');
      response.writeHead(status, { 'content-type': 'application/json', ...refused.headers });
      response.end(JSON.stringify(refused.body ?? {}));
    } else if (hangs === true) {
      // The connection stays open until the caller has had enough.
    } else if (given.stream) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const stop = cutsAfter ?? whole;
      for (let at = 0; at < stop; at++)
        later((ms * (at + 1)) / whole, () => {
          made += 1;
          response.write(event(piece(given.model, made)));
        });
      later((ms * stop) / whole, () => {
        end(cutsAfter === undefined ? 'answered' : 'cut');
        if (cutsAfter !== undefined) return void response.destroy();
        response.write(
          event({ ...frame(given.model), choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }),
        );
        if (given.stream_options?.include_usage === true && isSilent !== true)
          response.write(event({ ...frame(given.model), choices: [], usage: toUsage(usage) }));
        response.end('data: [DONE]\n\n');
      });
    } else {
      later(ms, () => {
        end('answered');
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(isChat(path) ? completion(given.model, usage) : plain(usage)));
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

interface Counted {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly isSilent: true | undefined;
}

function isChat(path: string): boolean {
  return path.split('?')[0]?.endsWith('/chat/completions') === true;
}

function toUsage({ inputTokens, outputTokens }: Counted): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

function frame(model: string): object {
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 0, model };
}

function piece(model: string, nth: number): object {
  return { ...frame(model), choices: [{ index: 0, delta: { content: `w${nth} ` }, finish_reason: null }] };
}

function completion(model: string, usage: Counted): object {
  const content = Array.from({ length: usage.outputTokens }, (_, at) => `w${at + 1} `).join('');
  return {
    ...frame(model),
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    ...(usage.isSilent === true ? {} : { usage: toUsage(usage) }),
  };
}

function plain({ inputTokens, outputTokens, isSilent }: Counted): object {
  const usage = { input_tokens: inputTokens, output_tokens: outputTokens };
  return { text: 'so it is', ...(isSilent === true ? {} : { usage }) };
}

function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
