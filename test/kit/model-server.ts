// A provider of models over HTTP, for tests: it counts what it is asked, keeps a limit of requests a window as providers do
// (429 with the time that is left of it; rejected requests do not count), and fails as it is told.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface ModelServerOptions {
  readonly limit?: { readonly requests: number; readonly windowMs: number };
  /** By the path that is asked and how many came before, ahead of the limit; undefined answers well. */
  readonly fail?: (path: string, before: number) => ModelAnswer | undefined;
}

export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  /** Answers by their status, each with the path that was asked. */
  readonly asked: readonly { readonly path: string; readonly status: number }[];
  count(status: number): number;
}

const OK: ModelAnswer = {
  status: 200,
  body: { text: 'so it is', usage: { input_tokens: 7, output_tokens: 3 } },
};

export async function startModelServer({ limit, fail }: ModelServerOptions = {}): Promise<ModelServer> {
  const asked: { path: string; status: number }[] = [];
  let [windowEnd, inWindow] = [0, 0];
  const limited = (): ModelAnswer | undefined => {
    if (limit === undefined) return undefined;
    const now = Date.now();
    if (now >= windowEnd) [windowEnd, inWindow] = [now + limit.windowMs, 0];
    inWindow += 1;
    if (inWindow <= limit.requests) return undefined;
    const left = windowEnd - now;
    const headers = { 'retry-after-ms': String(left), 'retry-after': String(Math.ceil(left / 1_000)) };
    return { status: 429, headers, body: { error: { type: 'requests', code: 'rate_limit_exceeded' } } };
  };
  const server = createServer((request, response) => {
    const { url: path = '/' } = request;
    request.resume();
    request.on('end', () => {
      const { status, headers, body } = fail?.(path, asked.length) ?? limited() ?? OK;
      asked.push({ path, status });
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body ?? {}));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    count: (status) => asked.filter((one) => one.status === status).length,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
