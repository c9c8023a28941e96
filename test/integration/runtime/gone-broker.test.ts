// What ends with a broker that is gone: hosts and clients. The SDK's own close may hang then for as long as it waits for
// answers that nobody gives any more, so nothing here may wait for it without an end.
import { expect, it } from 'vitest';
import { connect } from '../../../src/client/connect.ts';
import { startBrokerFor } from '../../kit/broker.ts';
import { app, startRuntime } from '../../kit/runtime.ts';

/** Hang limit: less than what the SDK waits. */
const LIMIT_MS = 45_000;

it(
  'a host and a client that wait for sessions and answers end though their broker is gone',
  async () => {
    const broker = await startBrokerFor(['counter'], []);
    const { connectionString } = broker;
    const test = await startRuntime({
      machines: { counter: app('counter.machine.ts', 'counter') },
      connectionString,
    });
    const client = await connect({ connectionString, env: {} });
    await client.start('counter', { id: 'c' });
    await client.query('counter', 'c');
    const waited = client.result('counter', 'c').catch((error: { code: string }) => error.code);
    await broker.stop();
    await Promise.all([client.close(), test[Symbol.asyncDispose]()]);
    expect(await waited).toBe('ABORTED');
  },
  LIMIT_MS,
);
