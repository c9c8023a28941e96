import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { MALFORMED_URLS, statusOf } from '../../../packages/broker/test/kit/malformed-urls.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { StreamItem } from '../../../src/contract/stream.ts';
import { createInspectorServer, isOwnRequest } from '../../../src/inspector/server.ts';

async function inspector(): Promise<number> {
  const server = await createInspectorServer({ port: 0 });
  onTestFinished(() => server.close());
  return Number(new URL(server.url).port);
}

async function dialled(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const upgrade = (port: number, more: string) =>
  `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${more}\r\n`;

// An error that nobody listens to ends the process; here it fails the test.
it.each([
  ['refused by its origin', 'Origin: https://foreign.example\r\n'],
  ['without a key', ''],
  ['that is whole', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'],
])('survives an upgrade %s whose socket is reset', async (_, more) => {
  const port = await inspector();
  for (let round = 0; round < 10; round += 1) {
    const socket = await dialled(port);
    socket.write(upgrade(port, more));
    if (round % 2) await once(socket, 'data');
    socket.resetAndDestroy();
  }
  expect(await statusOf(port, '/')).toBe(200);
});

const NO_CHARTS = (
  '% %00 %ff ..%2f..%2fetc%2fpasswd %2e%2e %E0%A4%A %253Cscript%253E <script> .. . __proto__ constructor ' +
  'x'.repeat(8_000)
)
  .split(' ')
  .concat('')
  .map((name) => `/machines/${name}.svg`);

it.each([...MALFORMED_URLS, ...NO_CHARTS, `/machines/${'x'.repeat(100_000)}.svg`])(
  'answers %j by a 4xx',
  async (url) => {
    const status = await statusOf(await inspector(), url);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  },
);

it('shows nothing to pages of other sites', async () => {
  const port = await inspector();
  const foreign = { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'image' };
  for (const path of ['/', '/machines/review.svg']) expect(await statusOf(port, path, foreign)).toBe(403);
  const answer = await fetch(`http://127.0.0.1:${port}/machines/review.svg`);
  expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin');
});

it('sends what an actor streams as events, says why it cannot, and reads no more when the page has gone', async () => {
  const server = await createInspectorServer({ port: 0 });
  onTestFinished(() => server.close());
  const path = (actor: string): string => `${server.url}streams/${encodeURIComponent(actor)}`;
  expect((await fetch(path('review/one'))).status).toBe(503);
  const item = (n: number): StreamItem => ({
    kind: 'piece',
    actor: 'review/one',
    child: 'c',
    attempt: 1,
    offset: 'o',
    n,
    value: 'a\n\ndata: b',
  });
  const gone = Promise.withResolvers<void>();
  server.readStreams(async function* ({ type, id }, signal) {
    if (type === 'none') throw new QuorateError('ACTOR_NOT_FOUND', `no actor ${type}/${id}`);
    yield item(0);
    if (id === 'one') return;
    signal.addEventListener('abort', () => gone.resolve());
    await gone.promise;
  });
  expect((await fetch(path('nobody'))).status).toBe(400);
  expect((await fetch(path('review/one'), { method: 'POST' })).status).toBe(405);
  const answer = await fetch(path('review/one'));
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  expect(await answer.text()).toBe(
    `event: piece\ndata: ${JSON.stringify(item(0))}\n\nevent: over\ndata: {}\n\n`,
  );
  expect(await (await fetch(path('none/two'))).text()).toContain(
    'event: refused\ndata: {"code":"ACTOR_NOT_FOUND"',
  );
  const leaving = new AbortController();
  const open = await fetch(path('review/two'), { signal: leaving.signal });
  await open.body?.getReader().read();
  leaving.abort();
  await gone.promise;
});

//

const PORT = 4321;

it.each([
  ['the page itself', { host: '127.0.0.1:4321', origin: 'http://127.0.0.1:4321' }, true],
  ['the page by name', { host: 'localhost:4321', origin: 'http://localhost:4321' }, true],
  ['a program', { host: '127.0.0.1:4321' }, true],
  ['a program over IPv6', { host: '[::1]:4321' }, true],
  ['a page of another site', { host: '127.0.0.1:4321', origin: 'https://stately.ai' }, false],
  ['a page on another port', { host: '127.0.0.1:4321', origin: 'http://127.0.0.1:8080' }, false],
  ['an opaque origin', { host: '127.0.0.1:4321', origin: 'null' }, false],
  ['a rebound name', { host: 'evil.example:4321', origin: 'http://evil.example:4321' }, false],
  ['a rebound name without an origin', { host: 'evil.example:4321' }, false],
  ['an image of our page', { host: '127.0.0.1:4321', 'sec-fetch-site': 'same-origin' }, true],
  ['the address bar', { host: '127.0.0.1:4321', 'sec-fetch-site': 'none' }, true],
  ['an image on a page of another site', { host: '127.0.0.1:4321', 'sec-fetch-site': 'cross-site' }, false],
  ['an image on a page of another port', { host: '127.0.0.1:4321', 'sec-fetch-site': 'same-site' }, false],
  [
    'a link of another site',
    {
      host: '127.0.0.1:4321',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    },
    true,
  ],
  [
    'a frame of another site',
    {
      host: '127.0.0.1:4321',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'iframe',
    },
    false,
  ],
  ['another port in Host', { host: '127.0.0.1:1' }, false],
  ['no Host', {}, false],
])('%s', (_, headers, allowed) => {
  expect(isOwnRequest({ headers }, PORT)).toBe(allowed);
});
