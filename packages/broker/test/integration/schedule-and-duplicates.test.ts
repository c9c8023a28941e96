import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Long from 'long';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../src/index.ts';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';
import { rawClient } from './raw-client.ts';

// learn.microsoft.com/azure/service-bus-messaging/message-sequencing (scheduled messages: a number for cancelling, another
// when they become active), .../duplicate-detection, .../message-expiration

const MINUTE = 60_000;
const bodies = (messages: { body: unknown }[]) => messages.map(({ body }) => body);

test('messages that are due at once become active in the order of their numbers, each with the next at the tail', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  const at = (seconds: number) => new Date(clock.now() + seconds * 1000);
  const [late] = await sender.scheduleMessages({ body: 'late' }, at(20));
  const early = await sender.scheduleMessages([{ body: 'a' }, { body: 'b' }], at(10));
  await sender.sendMessages({ body: 'now' });
  expect([late, ...early].map((number) => number?.toNumber())).toEqual([1, 2, 3]);
  clock.advance(30_000);
  await settled();
  const messages = await client.createReceiver('q').receiveMessages(4);
  expect(
    messages.map(({ body, sequenceNumber, enqueuedSequenceNumber }) => [
      body,
      sequenceNumber?.toNumber(),
      enqueuedSequenceNumber,
    ]),
  ).toEqual([
    ['now', 4, undefined],
    ['a', 5, 2],
    ['b', 6, 3],
    ['late', 7, 1],
  ]);
});

test('what is scheduled for now or the past is active at once, under its number, and cannot be cancelled', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const sender = testClient(broker).createSender('q');
  const [number] = await sender.scheduleMessages({ body: 1 }, new Date(Date.now() - 1000));
  expect(number?.toNumber()).toBe(1);
  expect(await broker.status()).toMatchObject([{ active: 1, scheduled: 0 }]);
  const [message] = await testClient(broker).createReceiver('q').receiveMessages(1);
  expect(message?.state).toBe('active');
  expect(message?.enqueuedSequenceNumber).toBeUndefined();
  expect(message?.sequenceNumber?.toNumber()).toBe(1);
  await expect(sender.cancelScheduledMessages(Long.ONE)).rejects.toMatchObject({ code: 'MessageNotFound' });
});

// UNV: x-opt-message-state as clients have seen it (azure-sdk-for-python, tests/test_queues.py, message.state SCHEDULED)
test('who receives what was scheduled is told so; a copy elsewhere, or a look at it, does not say it', async () => {
  const data = mkdtempSync(join(tmpdir(), 'quorate-schedule-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const clock = new VirtualClock();
  const topology = {
    queues: [{ name: 'q' }, { name: 'from', forwardTo: 'to' }, { name: 'to' }],
    topics: [{ name: 't', subscriptions: [{ name: 's' }] }],
  };
  const before = await createBroker({ data, port: 0, topology, clock });
  const client = testClient(before);
  for (const entity of ['q', 'from', 't']) {
    const due = new Date(clock.now() + MINUTE);
    await client.createSender(entity).scheduleMessages([{ body: 1 }, { body: 2 }], due);
  }
  clock.advance(MINUTE);
  await settled();
  const states = (messages: { state: string }[]) => messages.map(({ state }) => state);
  const receiver = client.createReceiver('q');
  expect(states(await receiver.peekMessages(2))).toEqual(['active', 'active']);
  const [one, two] = await receiver.receiveMessages(2);
  if (!one || !two) throw new Error('nothing came');
  expect(states([one, two])).toEqual(['scheduled', 'scheduled']);
  expect(states(await client.createReceiver('t', 's').receiveMessages(1))).toEqual(['scheduled']);
  expect(states(await client.createReceiver('to').receiveMessages(1))).toEqual(['active']);
  await receiver.deadLetterMessage(one);
  const letters = client.createReceiver('q', { subQueueType: 'deadLetter' });
  expect(states(await letters.receiveMessages(1))).toEqual(['active']);
  await receiver.abandonMessage(two);
  await before.stop();

  const again = testClient(await testBroker({ data, topology, clock }));
  const later = again.createReceiver('q');
  const [message] = await later.receiveMessages(1);
  if (!message?.sequenceNumber) throw new Error('nothing came');
  expect(message.state).toBe('scheduled');
  await later.deferMessage(message);
  expect(states(await later.receiveDeferredMessages(message.sequenceNumber))).toEqual(['deferred']);
});

test('messages scheduled at a topic reach the subscriptions that are there when they are due', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({
    topology: { queues: [], topics: [{ name: 't', subscriptions: [{ name: 'before' }] }] },
    clock,
  });
  const client = testClient(broker);
  const sender = client.createSender('t');
  const [first] = await sender.scheduleMessages([{ body: 1 }, { body: 2 }], new Date(clock.now() + MINUTE));
  if (first) await sender.cancelScheduledMessages(first);
  await broker.declare({ queues: [], topics: [{ name: 't', subscriptions: [{ name: 'after' }] }] });
  expect(await client.createReceiver('t', 'before').peekMessages(5)).toEqual([]);
  clock.advance(MINUTE);
  await settled();
  for (const name of ['before', 'after']) {
    expect(await client.createReceiver('t', name).peekMessages(5)).toMatchObject([
      { body: 2, enqueuedTimeUtc: new Date(clock.now()), state: 'active' },
    ]);
  }
});

test('a scheduled message joins its session behind what is there when it is due', async () => {
  const clock = new VirtualClock();
  const client = testClient(await testBroker({ ...queues({ name: 'q', requiresSession: true }), clock }));
  const sender = client.createSender('q');
  await sender.scheduleMessages({ body: 'scheduled', sessionId: 's' }, new Date(clock.now() + MINUTE));
  await sender.sendMessages({ body: 'sent', sessionId: 's' });
  clock.advance(MINUTE);
  await settled();
  const session = await client.acceptNextSession('q');
  expect(bodies(await session.receiveMessages(2))).toEqual(['sent', 'scheduled']);
});

test('schedules and their numbers are there after a restart', async () => {
  const data = mkdtempSync(join(tmpdir(), 'quorate-schedule-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const clock = new VirtualClock();
  const topology = queues({ name: 'q' }).topology;
  const before = await createBroker({ data, port: 0, topology, clock });
  const sender = testClient(before).createSender('q');
  const [first] = await sender.scheduleMessages([{ body: 1 }, { body: 2 }], new Date(clock.now() + MINUTE));
  await before.stop();
  const broker = await testBroker({ data, topology, clock });
  const client = testClient(broker);
  if (first) await client.createSender('q').cancelScheduledMessages(first);
  clock.advance(MINUTE);
  await settled();
  expect(await client.createReceiver('q').receiveMessages(2, { maxWaitTimeInMs: 300 })).toMatchObject([
    { body: 2, enqueuedSequenceNumber: 2 },
  ]);
});

// github.com/Azure/azure-service-bus/issues/265: a second schedule under the same id has a number and never fires.
test('a schedule with an id that has been seen is given a number, and nothing comes of it', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q', requiresDuplicateDetection: true }), clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  const schedule = async (body: number, minutes: number) => {
    const [number] = await sender.scheduleMessages(
      { body, messageId: 'm' },
      new Date(clock.now() + minutes * MINUTE),
    );
    return number;
  };
  const [first, second] = [await schedule(1, 1), await schedule(2, 2)];
  expect(second?.equals(first ?? 0)).toBe(false);
  expect(await broker.status()).toMatchObject([{ scheduled: 1 }]);
  clock.advance(3 * MINUTE);
  await settled();
  expect(bodies(await client.createReceiver('q').peekMessages(5))).toEqual([1]);
});

// github.com/Azure/azure-service-bus/issues/243: the window begins with the first sight, and sights within it do not prolong it.
test('the window of a duplicate is counted from the first sight, over a restart', async () => {
  const data = mkdtempSync(join(tmpdir(), 'quorate-duplicates-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const clock = new VirtualClock();
  const { topology } = queues({
    name: 'q',
    requiresDuplicateDetection: true,
    duplicateDetectionHistoryTimeWindow: 'PT10M',
  });
  const before = await createBroker({ data, port: 0, topology, clock });
  await testClient(before).createSender('q').sendMessages({ body: 1, messageId: 'm' });
  clock.advance(6 * MINUTE);
  await testClient(before).createSender('q').sendMessages({ body: 2, messageId: 'm' });
  await before.stop();
  const broker = await testBroker({ data, topology, clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  clock.advance(3 * MINUTE);
  await sender.sendMessages({ body: 3, messageId: 'm' });
  clock.advance(2 * MINUTE);
  await sender.sendMessages({ body: 4, messageId: 'm' });
  expect(bodies(await client.createReceiver('q').peekMessages(5))).toEqual([1, 4]);
});

test('an id is seen for as long as the window says, whatever became of the message', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q', requiresDuplicateDetection: true }), clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  await sender.sendMessages({ body: 1, messageId: 'received' });
  await client.createReceiver('q', { receiveMode: 'receiveAndDelete' }).receiveMessages(1);
  const [number] = await sender.scheduleMessages(
    { body: 2, messageId: 'cancelled' },
    new Date(clock.now() + MINUTE),
  );
  if (number) await sender.cancelScheduledMessages(number);
  for (const messageId of ['received', 'cancelled']) await sender.sendMessages({ body: 3, messageId });
  expect(await broker.status()).toMatchObject([{ active: 0, scheduled: 0 }]);
});

test('duplicates are told apart by their very ids: case, and text from numbers of another kind', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresDuplicateDetection: true }));
  const { connection } = await rawClient(broker);
  const sender = connection.open_sender('q');
  await new Promise((resolve) => sender.once('sendable', resolve));
  for (const message_id of [
    'a',
    'A',
    'a',
    7,
    'b',
    Buffer.alloc(16, 1),
    '01010101-0101-0101-0101-010101010101',
  ]) {
    const done = new Promise((resolve) => sender.once('accepted', resolve));
    sender.send({ message_id, body: 1 });
    await done;
  }
  // A UUID is its text to everybody who reads it.
  expect(await broker.status()).toMatchObject([{ active: 5 }]);
  expect(await broker.counters()).toMatchObject({ duplicates: 2 });
});

// message-expiration; azure-sdk-for-js: a time to live of 0 is none (`if (msg.timeToLive)` in src/serviceBusMessage.ts).
test.each([
  ['no time to live', {}, undefined],
  ['a time to live of 0', { ttl: 0 }, undefined],
  ['a time to live of one day', { ttl: 86_400_000 }, 86_400_000],
  [
    '49 days and what two times say',
    { ttl: 0xffff_ffff, creation_time: 0, absolute_expiry_time: 60 * 86_400_000 },
    60 * 86_400_000,
  ],
])('a message with %s', async (_, fields, ttl) => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), clock });
  const { connection } = await rawClient(broker);
  const sender = connection.open_sender('q');
  await new Promise((resolve) => sender.once('sendable', resolve));
  const done = new Promise((resolve) => sender.once('accepted', resolve));
  sender.send({ message_id: 'm', body: 1, ...fields } as never);
  await done;
  const there = async () => (await broker.status())[0]?.active;
  clock.advance((ttl ?? 100 * 86_400_000) - 1);
  await settled();
  expect(await there()).toBe(1);
  clock.advance(1);
  await settled();
  expect(await there()).toBe(ttl === undefined ? 1 : 0);
});
