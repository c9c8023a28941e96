import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { queues, testBroker, testClient } from './kit.ts';

const AMQP_HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0]);

/** Sends bytes and waits until the broker hangs up. */
function sendUntilClosed(port: number, ...chunks: Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    for (const chunk of chunks) socket.write(chunk);
  });
}

test('broken frames close their connection and trouble nobody else', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 1 });
  const frame = (...bytes: number[]) => Buffer.from(bytes);
  await sendUntilClosed(broker.port, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await sendUntilClosed(broker.port, AMQP_HEADER, frame(0, 0, 0, 0, 0, 0, 0, 0, 0));
  await sendUntilClosed(broker.port, AMQP_HEADER, frame(0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0));
  await sendUntilClosed(broker.port, AMQP_HEADER, frame(0, 0, 0, 12, 2, 0, 0, 0, 0, 0x53, 0x99, 0x45));
  await sendUntilClosed(broker.port, AMQP_HEADER, frame(0, 0, 0, 11, 2, 0, 0, 0, 0, 0x53, 0x14, 0xff, 0xff));
  await sender.sendMessages({ body: 2 });
  expect(await client.createReceiver('q').receiveMessages(2)).toHaveLength(2);
});

test('who dawdles over a handshake is cut: nothing said, half a greeting, half a TLS hello, half a request', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), tls: true, handshakeTimeoutMs: 300 });
  const text = (value: string) => Buffer.from(value);
  await Promise.all([
    sendUntilClosed(broker.port),
    sendUntilClosed(broker.port, AMQP_HEADER.subarray(0, 3)),
    sendUntilClosed(broker.port, AMQP_HEADER),
    sendUntilClosed(broker.port, Buffer.from([0x16, 3, 1])),
    sendUntilClosed(broker.port, text('GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ')),
    sendUntilClosed(broker.port, text('PUT /q HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<')),
  ]);
  const client = testClient(broker, `${broker.connectionString}UseDevelopmentEmulator=true;`);
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 1 });
  // Longer than the handshake may take: an open connection is none.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await sender.sendMessages({ body: 2 });
  expect(await client.createReceiver('q').receiveMessages(2)).toHaveLength(2);
});
