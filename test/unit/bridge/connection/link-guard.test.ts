import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { RequestResponseLink } from '@azure/core-amqp';
import { ServiceBusClient } from '@azure/service-bus';
import rhea, { type Connection as RheaConnection } from 'rhea';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardLinks } from '../../../../src/bridge/connection/link-guard.ts';

type RequestLink = Awaited<ReturnType<typeof RequestResponseLink.create>>;
interface Insides {
  _connectionContext: {
    connection: Parameters<typeof RequestResponseLink.create>[0] & {
      open(): Promise<unknown>;
      once(event: string, listener: (value: unknown) => void): unknown;
    };
    refreshConnection(): void;
  };
}

const ADDRESS = 'queue/$management';

// A broker that answers no request.
const container = rhea.create_container();
const connections = new Set<RheaConnection>();
let server: Server;
let connectionString: string;
let onClose: (() => void) | undefined;

beforeAll(async () => {
  container.on('connection_open', ({ connection }) => connections.add(connection));
  for (const event of ['sender_close', 'receiver_close']) container.on(event, () => onClose?.());
  for (const event of ['disconnected', 'error', 'protocol_error']) container.on(event, () => {});
  server = container.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  connectionString = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=n;SharedAccessKey=a2V5;UseDevelopmentEmulator=true`;
});
afterAll(async () => {
  cut();
  server.close();
  await once(server, 'close');
});

/** Every connection ends without a goodbye. */
function cut(): void {
  // rhea keeps the socket to itself.
  for (const one of connections) (one as unknown as { socket: { destroy(): void } }).socket.destroy();
  connections.clear();
}

const newClient = (): ServiceBusClient => new ServiceBusClient(connectionString);

async function openLink(client: ServiceBusClient): Promise<RequestLink> {
  const { connection } = (client as unknown as Insides)._connectionContext;
  await connection.open();
  return RequestResponseLink.create(
    connection,
    { target: { address: ADDRESS } },
    { source: { address: ADDRESS } },
  );
}

function installed(name: string): string {
  const file = new URL(`../../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

it('knows the SDK that is installed, and leaves other insides alone', () => {
  // With other versions: look through their timers and listeners for what throws, rejects or never settles there.
  expect(
    Object.fromEntries(
      ['@azure/service-bus', '@azure/core-amqp', 'rhea-promise', 'rhea'].map((name) => [
        name,
        installed(name),
      ]),
    ),
  ).toEqual({
    '@azure/service-bus': '7.9.5',
    '@azure/core-amqp': '4.5.1',
    'rhea-promise': '3.0.3',
    rhea: '3.0.5',
  });
  expect(guardLinks(newClient())).toBe(true);
  for (const other of [{}, { _connectionContext: {} }, { _connectionContext: { connection: {} } }])
    expect(guardLinks(other as unknown as ServiceBusClient)).toBe(false);
});

/** The broker says goodbye, and something else of the client opens the connection again. */
async function reopen(client: ServiceBusClient): Promise<void> {
  const { connection } = (client as unknown as Insides)._connectionContext;
  const closed = new Promise((resolve) => connection.once('connection_close', resolve));
  for (const one of connections) one.close();
  connections.clear();
  await closed;
  // It may be cut together with the old socket.
  await connection.open().catch(() => {});
}

it('is still needed: reading the address of a link throws once its connection was opened again', async () => {
  const client = newClient();
  const link = await openLink(client);
  await reopen(client);
  expect(() => link.receiver.address).toThrow(TypeError);
});

describe.each(['the first connection', 'the connection after a lost one'])('on %s', (which) => {
  const open = async (): Promise<{ client: ServiceBusClient; link: RequestLink }> => {
    const client = newClient();
    guardLinks(client);
    if (which !== 'the first connection')
      (client as unknown as Insides)._connectionContext.refreshConnection();
    return { client, link: await openLink(client) };
  };

  it('a request of before a goodbye ends with its time-out', async () => {
    const { client, link } = await open();
    const request = link.sendRequest({ body: undefined }, { timeoutInMs: 50 });
    await Promise.all([
      reopen(client),
      expect(request).rejects.toMatchObject({ code: 'OperationTimeoutError' }),
    ]);
  });

  it('a request of before a goodbye can be cancelled', async () => {
    const { client, link } = await open();
    const controller = new AbortController();
    const request = link.sendRequest(
      { body: undefined },
      { abortSignal: controller.signal, requestName: 'get' },
    );
    await reopen(client);
    controller.abort();
    await expect(request).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('a close ends with the connection', async () => {
    const { link } = await open();
    onClose = cut;
    await link.close();
    onClose = undefined;
  });
});
