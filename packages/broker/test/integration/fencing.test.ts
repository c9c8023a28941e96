import { expect, test } from 'vitest';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient } from './raw-client.ts';

// A rule of our own: the client repeats a state write on a new connection after another has taken the session, where it
// would overwrite what is newer (azure-sdk-for-js, sdk/servicebus/service-bus/src/core/managementClient.ts, inside `retry`).

test('only the link that holds the session writes its state or renews its lock', async () => {
  const broker = await testBroker(queues({ name: 'actors', requiresSession: true }));
  const session = await testClient(broker).acceptSession('actors', 'a');
  await session.setSessionState('mine');
  const raw = await rawClient(broker);
  const write = { 'session-id': 'a', 'session-state': Buffer.from('"stale"') };
  for (const [operation, body] of [
    ['com.microsoft:set-session-state', write],
    ['com.microsoft:renew-session-lock', { 'session-id': 'a' }],
  ] as const) {
    for (const link of [{}, { 'associated-link-name': 'a link that was closed' }]) {
      const reply = await raw.manage('actors', { operation, ...link }, body);
      expect(reply.properties).toMatchObject({
        statusCode: 410,
        errorCondition: 'com.microsoft:session-lock-lost',
      });
    }
  }
  expect(await session.getSessionState()).toBe('mine');
});

test('an operation that does not exist, or is malformed, is an error and not a silence', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const raw = await rawClient(broker);
  const unknown = await raw.manage('q', { operation: 'com.microsoft:nonsense' }, {});
  expect(unknown.properties).toMatchObject({ statusCode: 501, errorCondition: 'amqp:not-implemented' });
  const malformed = await raw.manage('q', { operation: 'com.microsoft:renew-lock' }, { 'lock-tokens': 'x' });
  expect(malformed.properties).toMatchObject({
    statusCode: 400,
    errorCondition: 'com.microsoft:argument-error',
  });
});
