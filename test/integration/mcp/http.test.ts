// An HTTP server that forgets its sessions, is too busy, or hangs up: what becomes of a call.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { callTool } from '../../../src/mcp/call.ts';
import { closeServer } from '../../../src/mcp/connections.ts';

let host: Server;
let url: string;
let sessions = 0;
let ended = 0;
let pings = 0;
/** Id of the last call. */
let asked = 0;
/** How the next calls of the tool are answered; then well. */
let next: ((response: ServerResponse) => void)[] = [];

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'DELETE') ended += 1;
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const { id, method, params } = JSON.parse(await text(request)) as {
    id?: number;
    method: string;
    params: { protocolVersion: string };
  };
  const answer = (result: unknown, headers: Record<string, string> = {}): void => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  };
  if (id === undefined) return void response.writeHead(202).end();
  if (method === 'initialize') {
    sessions += 1;
    const { protocolVersion } = params;
    const serverInfo = { name: 'busy', version: '1' };
    return answer(
      { protocolVersion, capabilities: { tools: {} }, serverInfo },
      { 'mcp-session-id': `s${sessions}` },
    );
  }
  if (method === 'tools/list') return answer({ tools: [{ name: 'ask', inputSchema: { type: 'object' } }] });
  if (method === 'ping') {
    pings += 1;
    return answer({});
  }
  asked = id;
  const way = next.shift();
  if (way === undefined)
    answer({ content: [{ type: 'text', text: String(request.headers['mcp-session-id']) }] });
  else way(response);
}

beforeAll(async () => {
  host = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => host.once('listening', resolve));
  url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/mcp`;
});

beforeEach(() => closeServer({ url }));

afterAll(async () => {
  await closeServer({ url });
  host.closeAllConnections();
  host.close();
});

const call = () => callTool({ url }, { tool: 'ask' });

it.each([
  ['404', (response: ServerResponse) => void response.writeHead(404).end('Session not found')],
  ['400', (response: ServerResponse) => void response.writeHead(400).end('No valid session ID provided')],
])('a session that is gone (%s) is opened anew, and the call asked again, once', async (_, gone) => {
  const before = sessions;
  await call();
  next = [gone];
  expect((await call()).text).toBe(`s${before + 2}`);
  next = [gone, gone];
  await expect(call()).rejects.toMatchObject({ failure: { kind: 'transient' } });
});

it('waits as long as the server asks', async () => {
  next = [(response) => void response.writeHead(429, { 'retry-after': '2' }).end('slow down')];
  const failure = { kind: 'throttled', retryAfterMs: 2_000, status: 429 };
  await expect(call()).rejects.toMatchObject({ code: 'MCP_SERVER_FAILED', failure });
});

it.each([
  ['before the answer', (response: ServerResponse) => void response.destroy()],
  [
    'in the answer',
    (response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(': comment\n\n', () => response.destroy());
    },
  ],
])('who hangs up %s has perhaps done it', async (_, hangUp) => {
  next = [hangUp];
  await expect(call()).rejects.toMatchObject({ code: 'MCP_SERVER_FAILED', failure: { kind: 'unknown' } });
});

it('is not asked after each answer whether it lives, also where its streams could be taken up again', async () => {
  const before = pings;
  next = [
    (response) => {
      const result = { content: [{ type: 'text', text: 'streamed' }] };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        `id: 1\ndata: \n\nid: 2\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: asked, result })}\n\n`,
      );
    },
  ];
  expect((await call()).text).toBe('streamed');
  await call();
  expect(pings).toBe(before);
});

it('says goodbye', async () => {
  await call();
  const before = ended;
  await closeServer({ url });
  expect(ended).toBe(before + 1);
});
