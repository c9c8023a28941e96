import { expect, test } from 'vitest';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient } from './raw-client.ts';

// facts/service-bus.md, "Found by attacking the commit protocol": a replayed state write overwrote newer turns.

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

test('sessions can be listed, with messages or with state', async () => {
  const broker = await testBroker(queues({ name: 'actors', requiresSession: true }));
  const client = testClient(broker);
  await client.createSender('actors').sendMessages([
    { body: 1, sessionId: 'with-message' },
    { body: 2, sessionId: 'with-both' },
  ]);
  for (const id of ['with-state', 'with-both'])
    await (await client.acceptSession('actors', id)).setSessionState(1);
  const raw = await rawClient(broker);
  const list = (since: Date) =>
    raw.manage(
      'actors',
      { operation: 'com.microsoft:get-message-sessions' },
      { 'last-updated-time': since, skip: 0, top: 10 },
    );
  expect((await list(new Date('9999-12-31T23:59:59Z'))).body['sessions-ids']).toEqual([
    'with-both',
    'with-message',
  ]);
  expect((await list(new Date(Date.now() - 60_000))).body['sessions-ids']).toEqual([
    'with-both',
    'with-state',
  ]);
});
