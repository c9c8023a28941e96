import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceBusSessionReceiver } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../src/index.ts';
import { queues, testBroker, testClient, VirtualClock } from './kit.ts';
import { type RawClient, rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/message-sessions ("Message session state": it counts towards the storage
// quota, stays until it is cleared, and is cleared by setting it to null) and .../service-bus-amqp-request-response
// ("Enumerate sessions"); what the time of the request selects is in github.com/Azure/azure-sdk-for-js,
// sdk/servicebus/service-bus/test/public/listMessageSessions.spec.ts, and azure-sdk-for-go,
// sdk/messaging/azservicebus/client_list_sessions_live_test.go

const actors = { name: 'actors', requiresSession: true };
/** .NET's DateTime.MaxValue in whole seconds and one more. */
const WITH_MESSAGES = new Date(253_402_300_800_000);

async function listed(raw: RawClient, since: Date, skip = 0, top = 100) {
  const { properties, body } = await raw.manage(
    'actors',
    { operation: 'com.microsoft:get-message-sessions' },
    { 'last-updated-time': since, skip, top },
  );
  return properties['statusCode'] === 204 ? 'no content' : body['sessions-ids'];
}

function clear(raw: RawClient, { sessionId }: ServiceBusSessionReceiver, link: string) {
  return raw.manage(
    'actors',
    { operation: 'com.microsoft:set-session-state', 'associated-link-name': link },
    { 'session-id': sessionId, 'session-state': null },
  );
}

/** A session held by a raw link, whose name requests can give. */
async function hold(raw: RawClient, id: string): Promise<string> {
  const receiver = raw.connection.open_receiver({
    name: `link of ${id}`,
    source: { address: 'actors', filter: { 'com.microsoft:session-filter': id } } as never,
    credit_window: 0,
  });
  await new Promise((resolve) => receiver.once('receiver_open', resolve));
  return receiver.name;
}

test('a state that is set to null is gone, and with it the session', async () => {
  const broker = await testBroker(queues(actors));
  const raw = await rawClient(broker);
  const link = await hold(raw, 'a');
  const set = (state: Buffer | null) =>
    raw.manage(
      'actors',
      { operation: 'com.microsoft:set-session-state', 'associated-link-name': link },
      { 'session-id': 'a', 'session-state': state },
    );
  await set(Buffer.from([0, 255]));
  const get = async () =>
    (await raw.manage('actors', { operation: 'com.microsoft:get-session-state' }, { 'session-id': 'a' }))
      .body;
  expect(await get()).toEqual({ 'session-state': Buffer.from([0, 255]) });
  expect(await listed(raw, new Date(0))).toEqual(['a']);
  expect((await set(null)).properties).toMatchObject({ statusCode: 200 });
  expect(await get()).toEqual({ 'session-state': null });
  expect(await listed(raw, new Date(0))).toBe('no content');
});

test('states count in the size of their queue or topic', async () => {
  const sized = { ...actors, maxSizeInMegabytes: 1 };
  const broker = await testBroker({
    topology: {
      queues: [sized],
      topics: [{ name: 't', maxSizeInMegabytes: 1, subscriptions: [{ name: 's', requiresSession: true }] }],
    },
  });
  const client = testClient(broker);
  const state = 'x'.repeat(250_000);
  for (const accept of [
    (id: string) => client.acceptSession('actors', id),
    (id: string) => client.acceptSession('t', 's', id),
  ]) {
    const sessions: ServiceBusSessionReceiver[] = [];
    for (const id of ['a', 'b', 'c', 'd']) sessions.push(await accept(id));
    for (const session of sessions) await session.setSessionState(state);
    await expect((await accept('e')).setSessionState(state)).rejects.toMatchObject({ code: 'QuotaExceeded' });
    // One that takes no more than before can always be written.
    await sessions[0]?.setSessionState(`${state.slice(1)}y`);
  }
  const [to] = [client.createSender('actors'), client.createSender('t')];
  const large = { body: 'x'.repeat(100_000), sessionId: 'a' };
  await expect(to.sendMessages(large)).rejects.toMatchObject({ code: 'QuotaExceeded' });
  await expect(client.createSender('t').sendMessages(large)).rejects.toMatchObject({ code: 'QuotaExceeded' });
  const raw = await rawClient(broker);
  const freed = await client.acceptSession('actors', 'f');
  await freed.close();
  const link = await hold(raw, 'f');
  expect((await clear(raw, freed, link)).properties).toMatchObject({ statusCode: 200 });
  await expect(to.sendMessages(large)).rejects.toMatchObject({ code: 'QuotaExceeded' });
});

test('the size of states is known after a restart, and a state that is cleared makes room', async () => {
  const data = mkdtempSync(join(tmpdir(), 'quorate-states-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const topology = { queues: [{ ...actors, maxSizeInMegabytes: 1 }], topics: [] };
  const before = await createBroker({ data, port: 0, topology });
  for (const id of ['a', 'b', 'c', 'd']) {
    const session = await testClient(before).acceptSession('actors', id);
    await session.setSessionState('x'.repeat(250_000));
  }
  await before.stop();
  const broker = await testBroker({ data, topology });
  const client = testClient(broker);
  const sender = client.createSender('actors');
  const large = { body: 'x'.repeat(100_000), sessionId: 'a' };
  await expect(sender.sendMessages(large)).rejects.toMatchObject({ code: 'QuotaExceeded' });
  const raw = await rawClient(broker);
  const link = await hold(raw, 'a');
  await raw.manage(
    'actors',
    { operation: 'com.microsoft:set-session-state', 'associated-link-name': link },
    { 'session-id': 'a', 'session-state': null },
  );
  await sender.sendMessages(large);
});

test('sessions are listed with messages, or by the time their state was set', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues(actors), clock });
  const client = testClient(broker);
  const sender = client.createSender('actors');
  await sender.sendMessages(['b', 'a', 'c'].map((sessionId) => ({ body: 1, sessionId })));
  const session = await client.acceptSession('actors', 'a');
  const [message] = await session.receiveMessages(1);
  if (message) await session.deferMessage(message);
  const c = await client.acceptSession('actors', 'c');
  const [last] = await c.receiveMessages(1);
  if (last) await c.completeMessage(last);
  clock.advance(1000);
  const first = new Date(clock.now());
  await c.setSessionState('first');
  clock.advance(1000);
  await (await client.acceptSession('actors', 'd')).setSessionState('second');
  const raw = await rawClient(broker);
  expect(await listed(raw, WITH_MESSAGES)).toEqual(['a', 'b', 'c', 'd']);
  expect(await listed(raw, new Date(+WITH_MESSAGES - 1))).toBe('no content');
  expect(await listed(raw, new Date(0))).toEqual(['c', 'd']);
  expect(await listed(raw, first)).toEqual(['d']);
  expect(await listed(raw, new Date(clock.now() + 60_000))).toBe('no content');
  expect(await listed(raw, WITH_MESSAGES, 0, 1)).toEqual(['a']);
  expect(await listed(raw, WITH_MESSAGES, 1, 1)).toEqual(['b']);
  expect(await listed(raw, WITH_MESSAGES, 4, 1)).toBe('no content');
});
