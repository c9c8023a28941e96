import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, expect, it, vi } from 'vitest';
import { type PassingConnection, patchClient } from '../../../../src/bridge/connection/rhea-patch.ts';

interface Emitter {
  on(event: string, listener: () => void): void;
  removeListener(event: string, listener: () => void): void;
  listenerCount(event: string): number;
}
type Session = ReturnType<PassingConnection['create_session']> & { begin(): void; connection: Emitter };
type Connection = PassingConnection & Emitter;

const CONNECTION_STRING = 'Endpoint=sb://localhost;SharedAccessKeyName=n;SharedAccessKey=a2V5';

const passed = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** The SDK keeps them to itself. */
function connectionOf(client: ServiceBusClient): Connection {
  const { _connectionContext: context } = client as unknown as {
    _connectionContext: { connection: { _connection: Connection } };
  };
  return context.connection._connection;
}

function connect(): { connection: Connection; session: () => Session } {
  const client = new ServiceBusClient(CONNECTION_STRING);
  expect(patchClient(client)).toBe(true);
  const connection = connectionOf(client);
  return { connection, session: () => connection.create_session() as Session };
}

afterEach(() => vi.restoreAllMocks());

it('knows the insides of the SDK that is installed, and leaves others alone', () => {
  expect(patchClient({} as ServiceBusClient)).toBe(false);
  const other = { _connectionContext: { connection: { _connection: { state: {} } } } };
  expect(patchClient(other as unknown as ServiceBusClient)).toBe(false);
});

it('looks only at the sessions that asked, and at each of them once', async () => {
  const { connection, session } = connect();
  const sessions = Array.from({ length: 3 }, session);
  const seen = sessions.map((one) => vi.spyOn(one, '_process'));
  sessions[1]?.begin();
  expect(connection.registered).toBe(true);
  await passed();
  expect(seen.map((spy) => spy.mock.calls.length)).toEqual([0, 1, 0]);
  expect(connection.registered).toBe(false);
});

it('looks again at one that asks in the middle of a pass', async () => {
  const { session } = connect();
  const [first, second] = [session(), session()];
  const seen = vi.spyOn(second, '_process');
  vi.spyOn(first, '_process').mockImplementation(() => second.begin());
  first.begin();
  await passed();
  await passed();
  expect(seen).toHaveBeenCalledTimes(1);
});

it('gives the socket what a pass says in one piece', async () => {
  const { connection, session } = connect();
  const said: string[] = [];
  const socket = { cork: () => said.push('cork'), uncork: () => said.push('uncork') };
  Object.assign(connection, { socket });
  const one = session();
  vi.spyOn(one, '_process').mockImplementation(() => {
    said.push('frames');
  });
  one.begin();
  await passed();
  expect(said).toEqual(['cork', 'frames', 'uncork']);
});

it('has one set of listeners, whoever of its sessions they came by', () => {
  const { connection, session } = connect();
  const [first, second] = [session(), session()];
  const listener = () => {};
  const before = connection.listenerCount('disconnected');
  first.connection.on('disconnected', listener);
  second.connection.on('only-by-view', listener);
  expect(connection.listenerCount('disconnected')).toBe(before + 1);
  connection.removeListener('only-by-view', listener);
  expect(second.connection.listenerCount('only-by-view')).toBe(0);
  second.connection.removeListener('disconnected', listener);
  expect(connection.listenerCount('disconnected')).toBe(before);
});

it('keeps nothing in the view of a session: its heartbeats would outlive it', () => {
  const { connection, session } = connect();
  const wrote: unknown[] = [];
  const output = vi.fn(function (this: unknown) {
    wrote.push(this);
  });
  Object.assign(connection, { output, amqp_transport: { encode: () => {} } });
  const view = session().connection as unknown as PassingConnection;
  view._write_frame(0, undefined);
  expect(wrote[0]).toBe(connection);
  expect(view._context()).toHaveProperty('connection', connection);
});
