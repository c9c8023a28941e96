// I1 One writer: a turn is committed only under its session's lock, and the lease is ours to know.
import { ServiceBusClient } from '@azure/service-bus';
import { expect, it } from 'vitest';
import { createConnector } from '../../../src/bridge/connection/connection.ts';
import { LOCK_MS, openSession } from './session.ts';

it('I1: a commit is written while the lease has a margin, and not at all when it is over', async () => {
  const { session, writes, pass } = await openSession();
  expect(await session.commit({ turn: 1 })).toBe('committed');
  pass(LOCK_MS + 1);
  expect(await session.commit({ turn: 2 })).toBe('lost');
  expect(writes).toEqual([{ turn: 1 }]);
  expect(await session.take({ max: 1, idleMs: 1 })).toEqual({ kind: 'lost' });
});

it('I1: the SDK never repeats a request of a client that commits', async () => {
  const connectionString =
    'Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=k;SharedAccessKey=a2V5;UseDevelopmentEmulator=true';
  const connector = await createConnector({ kind: 'connectionString', connectionString });
  const { client } = connector.createClient('committing');
  expect(client).toBeInstanceOf(ServiceBusClient);
  const { retryOptions } = (client as unknown as { _clientOptions: { retryOptions: { maxRetries: number } } })
    ._clientOptions;
  expect(retryOptions.maxRetries).toBe(0);
  await client.close();
});
