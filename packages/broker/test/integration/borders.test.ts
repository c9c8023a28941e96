import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Broker } from '../../src/index.ts';
import { MALFORMED_URLS, statusOf } from '../kit/malformed-urls.ts';
import { jsonWebToken } from './json-web-token.ts';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient, sasToken } from './raw-client.ts';

// Who is let in beside clients: web pages, other machines, whatever comes over HTTP.

/** The status that a web socket's handshake ends with. */
function upgraded({ port }: Broker, origin: string): Promise<number> {
  return new Promise((resolve) => {
    const url = `ws://127.0.0.1:${port}/$servicebus/websocket`;
    const socket = new WebSocket(url, 'AMQPWSB10', { origin });
    socket.on('open', () => {
      resolve(101);
      socket.terminate();
    });
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    socket.on('error', () => {});
  });
}

test('a web page speaks to the broker only if that is allowed', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), allowOrigins: ['https://app.example'] });
  expect(await upgraded(broker, 'https://app.example')).toBe(101);
  expect(await upgraded(broker, 'https://foreign.example')).toBe(403);
  expect(await statusOf(broker.port, '/health', { origin: 'https://foreign.example' })).toBe(403);
  expect(await statusOf(broker.port, '/health', { origin: 'https://app.example' })).toBe(200);
  expect(await statusOf(broker.port, '/health')).toBe(200);
});

test('tokens that nobody can verify count only where no other machine can bring one', async () => {
  const audience = (broker: Broker) => `sb://127.0.0.1:${broker.port}/q`;
  const told = async (broker: Broker) => {
    const raw = await rawClient(broker, { namespaceToken: false });
    const name = audience(broker);
    const signed = await raw.putToken(name, sasToken(broker, name));
    const unsigned = await raw.putToken(name, jsonWebToken(60), 'jwt');
    return [signed['status-code'], unsigned['status-code']];
  };
  const open = { ...queues({ name: 'q' }), host: '0.0.0.0' };
  expect(await told(await testBroker(queues({ name: 'q' })))).toEqual([202, 202]);
  expect(await told(await testBroker(open))).toEqual([202, 401]);
  expect(await told(await testBroker({ ...open, unsignedTokens: true }))).toEqual([202, 202]);
});

test('whatever is asked for over HTTP is answered, and no socket that breaks ends the broker', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  for (const url of MALFORMED_URLS) {
    const status = await statusOf(broker.port, url);
    expect([url, status >= 400 && status < 500]).toEqual([url, true]);
  }
  expect(await statusOf(broker.port, '/q', { host: '[' })).toBe(400);
  for (const path of ['/', '/$servicebus/websocket'])
    for (const origin of ['', 'Origin: https://foreign.example\r\n']) {
      const socket = connect({ port: broker.port, host: '127.0.0.1' });
      onTestFinished(() => void socket.destroy());
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${origin}\r\n`,
      );
      socket.resetAndDestroy();
    }
  await testClient(broker).createSender('q').sendMessages({ body: 1 });
});
