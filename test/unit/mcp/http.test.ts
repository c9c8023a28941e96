// The `fetch` under streamable HTTP, against answers of a server in place of one.
import { expect, it } from 'vitest';
import { createFetch, type HttpOptions } from '../../../src/mcp/http.ts';

const URL_OF = 'http://127.0.0.1:1/mcp';
const call = { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call' }) };

function over(answer: () => Response, headers?: HttpOptions['headers']) {
  const told: (number | string)[] = [];
  const asked: Headers[] = [];
  const send = createFetch({
    headers,
    onBegin: (id) => void told.push(id),
    onEnd: (id, canResume) => void told.push(id, String(canResume)),
    fetch: (_, init) => {
      asked.push(new Headers(init?.headers));
      return Promise.resolve(answer());
    },
  });
  return { send, told, asked };
}

function stream(chunks: readonly string[], isCut = false): Response {
  const body = ReadableStream.from(
    (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk);
      if (isCut) throw new Error('cut');
    })(),
  );
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

it('asks for headers anew with each request', async () => {
  let token = 0;
  const { send, asked } = over(
    () => new Response('{}'),
    async () => ({ authorization: `Bearer ${++token}` }),
  );
  await send(URL_OF, { ...call, headers: { accept: 'a/b' } });
  await send(URL_OF, call);
  expect(asked.map((headers) => headers.get('authorization'))).toEqual(['Bearer 1', 'Bearer 2']);
  expect(asked[0]?.get('accept')).toBe('a/b');
});

it.each([
  [429, { 'retry-after': '3' }, { kind: 'throttled', retryAfterMs: 3_000, status: 429 }],
  [503, { 'retry-after': '1' }, { kind: 'overloaded', retryAfterMs: 1_000, status: 503 }],
  [500, {}, { kind: 'transient', status: 500 }],
  [413, {}, { kind: 'permanent', status: 413 }],
] as const)('a refusal with %i says how long to wait', async (status, headers, failure) => {
  const { send } = over(() => new Response('too much', { status, headers }));
  await expect(send(URL_OF, call)).rejects.toMatchObject({ code: 'MCP_SERVER_FAILED', failure });
});

it.each([400, 401, 403, 404, 405])('leaves %i to the SDK', async (status) => {
  const { send } = over(() => new Response('no', { status }));
  expect((await send(URL_OF, call)).status).toBe(status);
});

it.each([
  ['ends', ['data: 1\n\n'], false, [7, 7, 'false']],
  ['is cut', ['data: 1\n\n'], true, [7, 7, 'false']],
  ['can be taken up again', ['id: 1\ndata: 1\n\n'], true, [7, 7, 'true']],
] as const)('tells when the stream of an answer %s', async (_, chunks, isCut, expected) => {
  const { send, told } = over(() => stream(chunks, isCut));
  const response = await send(URL_OF, call);
  await response.text().catch(() => {});
  await new Promise(setImmediate);
  expect(told).toEqual(expected);
});

it('tells nothing of a stream that the reader let go, or that answers nothing', async () => {
  const { send, told } = over(() => stream(['data: 1\n\n', 'data: 2\n\n']));
  await (await send(URL_OF, call)).body?.cancel();
  await (await send(URL_OF, { method: 'GET' })).text();
  await new Promise(setImmediate);
  expect(told).toEqual([7]);
});
