// Requests that a provider's client makes over again without a word: whose they are, and that they are counted and said, whatever Node's
// client is.
import { Agent, request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { modelAgent } from '../../../src/ai/model-agent.ts';
import { type Asked, type ModelServer, startModelServer, type Work } from '../../kit/model/server.ts';
import { attempt } from './kit.ts';

let server: ModelServer;
let work: (asked: Asked) => Work = () => ({});

beforeAll(async () => {
  server = await startModelServer({ work: (asked) => work(asked) });
});
afterAll(() => server[Symbol.asyncDispose]());

/** As older clients send: by `node:http`, here over one connection at a time that waits for its turn. */
const oneByOne = new Agent({ keepAlive: true, maxSockets: 1 });
afterAll(() => oneByOne.destroy());

const byHttp =
  (agent?: Agent): typeof fetch =>
  (url, init) =>
    new Promise((resolve, reject) => {
      const { method = 'GET', headers, body, signal } = init ?? {};
      const given = Object.fromEntries(new Headers(headers));
      const more = { method, headers: given, ...(signal ? { signal } : {}), ...(agent ? { agent } : {}) };
      const sent = httpRequest(url as URL, more, (response) => {
        const stream = Readable.toWeb(response) as unknown as ReadableStream<Uint8Array>;
        resolve(new Response(stream, { status: response.statusCode ?? 0 }));
      });
      sent.on('error', reject).end(body);
    });

it.each([
  ['fetch', fetch],
  ['node:http', byHttp()],
  ['node:http over a connection that others wait for', byHttp(oneByOne)],
])('requests that a client makes over again by itself are seen, counted and said: %s', async (_, send) => {
  const eager = createOpenAICompatible({
    name: 'kit',
    baseURL: server.url,
    includeUsage: true,
    fetch: async (url, init) => {
      await send(url, init).then(
        (response) => response.body?.cancel(),
        () => {},
      );
      return send(url, init);
    },
  })('m');
  const before = server.calls.length;
  work = ({ nth }) => (nth % 2 === before % 2 ? { drops: true } : {});
  const { output, rows, logged } = await attempt(
    modelAgent({ model: eager, prompt: (text: string) => text }),
    '?',
  );
  expect([output, server.calls.length - before]).toEqual(['w1 w2 w3 ', 2]);
  // One that was dropped, and perhaps paid, and one that was whole.
  expect(rows).toMatchObject([{ calls: 2, estimated: { calls: 1 } }]);
  expect(logged.join()).toContain('made 2 requests for one call');
});

it('requests are counted for the call that made them, also where several wait for one connection', async () => {
  work = () => ({});
  const queued = byHttp(oneByOne);
  const once = createOpenAICompatible({
    name: 'kit',
    baseURL: server.url,
    includeUsage: true,
    fetch: async (url, init) => {
      const isTwice = JSON.stringify(init?.body).includes('twice');
      if (isTwice) await queued(url, init).then((response) => response.text());
      return queued(url, init);
    },
  })('m');
  const agent = modelAgent({ model: once, prompt: (text: string) => text });
  const prompts = ['a', 'twice b', 'c', 'twice d', 'e'];
  const all = await Promise.all(prompts.map((prompt) => attempt(agent, prompt)));
  expect(all.map(({ rows }) => rows[0]?.calls)).toEqual([1, 2, 1, 2, 1]);
  expect(all.map(({ logged }) => logged.length)).toEqual([0, 1, 0, 1, 0]);
});
