import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../src/index.ts';
import { queues, testBroker, testClient } from './kit.ts';

// github.com/Azure/azure-sdk-for-js: sdk/core/core-amqp/src/connectionConfig (ports, `/$servicebus/websocket`, AMQPWSB10),
// sdk/servicebus/service-bus/src/serviceBusAtomManagementClient.ts (https); nodejs.org/api/cli.html#node_extra_ca_certsfile

const CLIENT = fileURLToPath(new URL('./tls-client-process.ts', import.meta.url));

test('clients with a credential, a connection string or web sockets meet the broker on one port', async () => {
  const broker = await testBroker({ tls: true });
  expect(broker.connectionString).toMatch(
    /^Endpoint=sb:\/\/localhost:\d+\/;SharedAccessKeyName=[^;]+;SharedAccessKey=[^;]+;$/,
  );
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: broker.caFile };
  const run = promisify(execFile);
  const { stdout } = await run(
    process.execPath,
    [CLIENT, `localhost:${broker.port}`, broker.connectionString],
    {
      env,
      timeout: 100_000,
    },
  );
  expect(JSON.parse(stdout)).toMatchObject({
    queue: 3,
    exists: true,
    credential: 'credential',
    connectionString: 'connectionString',
    webSocket: 'webSocket',
    subprotocol: ['AMQPWSB10'],
  });
});

test('plain clients go on beside TLS', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), tls: true });
  const plain = testClient(broker, `${broker.connectionString}UseDevelopmentEmulator=true;`);
  await plain.createSender('q').sendMessages({ body: 1 });
  expect(await plain.createReceiver('q').receiveMessages(1)).toHaveLength(1);
});

test('the authority is made once, and its certificate names this machine alone', async () => {
  const data = await mkdtemp(join(tmpdir(), 'quorate-tls-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const first = await createBroker({ data, port: 0, tls: true });
  const authority = await readFile(first.caFile ?? '');
  await first.stop();
  const second = await testBroker({ data, tls: true });
  expect(await readFile(second.caFile ?? '')).toEqual(authority);
  const socket = connectTls({ port: second.port, host: 'localhost', ca: authority });
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  expect(socket.getPeerCertificate().subjectaltname).toBe(
    'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  expect(socket.authorized).toBe(true);
});

test('without TLS a handshake is cut, and nothing else is harmed', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const socket = connectTls({ port: broker.port, host: '127.0.0.1' });
  await expect(
    new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)),
  ).rejects.toBeDefined();
  await testClient(broker).createSender('q').sendMessages({ body: 1 });
});

test('health is told to everybody, over HTTP and over HTTPS', async () => {
  const broker = await testBroker({ tls: true });
  const response = await fetch(`http://127.0.0.1:${broker.port}/health`);
  expect([response.status, await response.json()]).toEqual([200, { status: 'healthy' }]);
  const socket = connectTls({ port: broker.port, host: 'localhost', ca: readFileSync(broker.caFile ?? '') });
  socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const chunks = await socket.toArray();
  expect(String(Buffer.concat(chunks))).toMatch(/^HTTP\/1\.1 200 OK[^]*healthy/);
});

test('an upgrade to anything but AMQP over web sockets is refused', async () => {
  const broker = await testBroker();
  const ask = async (path: string, protocol: string) => {
    const socket = connect(broker.port, '127.0.0.1');
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
    );
    const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.destroy();
    return String(answer).split('\r\n')[0];
  };
  expect(await ask('/$servicebus/websocket', 'AMQPWSB10')).toBe('HTTP/1.1 101 Switching Protocols');
  expect(await ask('/$servicebus/websocket', 'chat')).toBe('HTTP/1.1 404 Not Found');
  expect(await ask('/other', 'AMQPWSB10')).toBe('HTTP/1.1 404 Not Found');
});
