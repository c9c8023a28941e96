// Queues longer than what the broker keeps in memory: the rest is on disk only, and nobody should notice.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  ServiceBusClient,
  ServiceBusMessage,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
} from '@azure/service-bus';
import Long from 'long';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../src/index.ts';
import { queues, settled, testBroker, testClient, VirtualClock } from './kit.ts';

/** The broker keeps 2,000 ready messages of a queue in memory. */
const MANY = 4500;
const A_SEND = 900;
const MINUTE_MS = 60_000;

async function fill(
  client: ServiceBusClient,
  to: string,
  count: number,
  more: (body: number) => Partial<ServiceBusMessage> = () => ({}),
): Promise<void> {
  const sender = client.createSender(to);
  for (let from = 0; from < count; from += A_SEND) {
    const size = Math.min(A_SEND, count - from);
    await sender.sendMessages(
      Array.from({ length: size }, (_, at) => ({ body: from + at, ...more(from + at) })),
    );
  }
  await sender.close();
}

async function drain(
  receiver: ServiceBusReceiver,
  count: number,
  each: (message: ServiceBusReceivedMessage) => Promise<void> = (message) =>
    receiver.completeMessage(message),
): Promise<number[]> {
  const bodies: number[] = [];
  while (bodies.length < count) {
    const messages = await receiver.receiveMessages(Math.min(500, count - bodies.length));
    if (messages.length === 0) break;
    bodies.push(...messages.map((message) => message.body as number));
    await Promise.all(messages.map(each));
  }
  return bodies;
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, at) => from + at);

test('a long queue is received in order; what is given back in the middle comes first', async () => {
  const broker = await testBroker(queues({ name: 'q', maxDeliveryCount: 100 }));
  const client = testClient(broker);
  await fill(client, 'q', MANY);
  expect(await broker.status()).toMatchObject([{ active: MANY }]);
  const receiver = client.createReceiver('q');
  expect(await drain(receiver, 1500)).toEqual(numbers(1500));
  // Given back while the front of what is on disk has moved on.
  const held = await receiver.receiveMessages(100);
  const other = client.createReceiver('q');
  expect(await drain(other, 1000)).toEqual(numbers(1000, 1600));
  await Promise.all(held.map((message) => receiver.abandonMessage(message)));
  expect(await drain(receiver, 100)).toEqual(numbers(100, 1500));
  expect(await drain(receiver, MANY - 2600)).toEqual(numbers(MANY - 2600, 2600));
  expect(await broker.status()).toMatchObject([{ active: 0, locks: 0 }]);
});

test('new messages stay behind a backlog, and one by one after it', async () => {
  const client = testClient(await testBroker(queues({ name: 'q' })));
  await fill(client, 'q', 3000);
  const receiver = client.createReceiver('q');
  const sender = client.createSender('q');
  const bodies: number[] = [];
  for (let next = 3000; next < 3060; next += 1) {
    bodies.push(...(await drain(receiver, 50)));
    await sender.sendMessages({ body: next });
  }
  bodies.push(...(await drain(receiver, 60)));
  for (let next = 3060; next < 3070; next += 1) {
    await sender.sendMessages({ body: next });
    bodies.push(...(await drain(receiver, 1)));
  }
  expect(bodies).toEqual(numbers(3070));
});

test('long sessions are received in order, whoever accepts them, and peeked', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const client = testClient(broker);
  await fill(client, 'q', MANY, (body) => ({ sessionId: String(body % 3) }));
  expect(await broker.status()).toMatchObject([{ active: MANY, sessions: 3 }]);
  for (const [turn, wanted] of [
    [0, 200],
    [1, MANY / 3 - 200],
  ] as const) {
    for (let n = 0; n < 3; n += 1) {
      const session = await client.acceptNextSession('q');
      const id = Number(session.sessionId);
      const expected = numbers(MANY / 3).map((at) => at * 3 + id);
      const from = turn * 200;
      // From the start: the client goes on where it peeked into another session.
      const peeked = await session.peekMessages(5, { fromSequenceNumber: Long.ONE });
      expect(peeked.map(({ body }) => body as number)).toEqual(expected.slice(from, from + 5));
      expect(await drain(session, wanted)).toEqual(expected.slice(from, from + wanted));
      await session.close();
    }
  }
  expect(await broker.status()).toMatchObject([{ active: 0, sessions: 0 }]);
});

test('sessions behind a long one are accepted in the order of their messages, or by name', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const client = testClient(broker);
  const behind = 120;
  await fill(client, 'q', MANY, () => ({ sessionId: 'long' }));
  await fill(client, 'q', behind, (body) => ({ sessionId: `s${body}` }));
  expect(await broker.status()).toMatchObject([{ active: MANY + behind, sessions: behind + 1 }]);
  const long = await client.acceptNextSession('q');
  expect(long.sessionId).toBe('long');
  const named = await client.acceptSession('q', 's100');
  expect(await drain(named, 1)).toEqual([100]);
  for (const body of numbers(behind).filter((each) => each !== 100)) {
    const session = await client.acceptNextSession('q');
    expect(session.sessionId).toBe(`s${body}`);
    expect(await drain(session, 1)).toEqual([body]);
    await session.close();
  }
  expect(await drain(long, MANY)).toEqual(numbers(MANY));
  expect(await broker.status()).toMatchObject([{ active: 0, sessions: 0 }]);
});

test('what expires leaves a backlog at its time, wherever it stands, but not under a lock', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({
    ...queues({ name: 'q', deadLetteringOnMessageExpiration: true, lockDuration: 'PT5M' }),
    clock,
  });
  const client = testClient(broker);
  await fill(client, 'q', MANY, (body) => (body % 2 === 0 ? {} : { timeToLive: MINUTE_MS }));
  const receiver = client.createReceiver('q');
  const held = await receiver.receiveMessages(10);
  clock.advance(MINUTE_MS + 1);
  const expired = MANY / 2 - 5;
  // Some hundred at a time, each in a commit of its own.
  while ((await broker.status())[0]?.deadLettered !== expired) {
    await settled();
    clock.advance(1);
  }
  expect(await broker.status()).toMatchObject([{ active: MANY / 2 + 5, locks: 10 }]);
  await Promise.all(held.map((message) => receiver.completeMessage(message)));
  const left = MANY / 2 - 5;
  expect(await drain(receiver, left)).toEqual(numbers(left).map((at) => 10 + at * 2));
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  expect(await drain(dead, expired)).toEqual(numbers(expired).map((at) => 11 + at * 2));
});

test('many that are due at once become active in order, without those that are cancelled', async () => {
  const clock = new VirtualClock();
  const broker = await testBroker({ ...queues({ name: 'q' }), clock });
  const client = testClient(broker);
  const sender = client.createSender('q');
  const due = new Date(clock.now() + MINUTE_MS);
  const scheduled = [];
  for (let from = 0; from < 2700; from += A_SEND) {
    scheduled.push(
      ...(await sender.scheduleMessages(
        numbers(A_SEND, from).map((body) => ({ body })),
        due,
      )),
    );
  }
  await sender.cancelScheduledMessages(scheduled.slice(100, 200));
  expect(await broker.status()).toMatchObject([{ active: 0, scheduled: 2600 }]);
  clock.advance(MINUTE_MS + 1);
  while ((await broker.status())[0]?.scheduled !== 0) {
    await settled();
    clock.advance(1);
  }
  const left = numbers(2700).filter((body) => body < 100 || body >= 200);
  expect(await drain(client.createReceiver('q'), 2600)).toEqual(left);
});

test('a backlog is forwarded in order, through the entity that it goes to', async () => {
  const broker = await testBroker(queues({ name: 'from' }, { name: 'to' }));
  const client = testClient(broker);
  await fill(client, 'from', MANY);
  await broker.declare({ queues: [{ name: 'from', forwardTo: 'to' }], topics: [] });
  expect(await drain(client.createReceiver('to'), MANY)).toEqual(numbers(MANY));
  expect(await broker.status()).toMatchObject([{ active: 0 }, { active: 0 }]);
});

test('receive and delete takes a backlog in order, each message once', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await fill(client, 'q', MANY);
  const receiver = client.createReceiver('q', { receiveMode: 'receiveAndDelete' });
  expect(await drain(receiver, MANY, async () => {})).toEqual(numbers(MANY));
  expect(await broker.status()).toMatchObject([{ active: 0 }]);
});

test('dead letters of a long session queue come in the order of their numbers', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const client = testClient(broker);
  const count = 2600;
  await fill(client, 'q', count, (body) => ({ sessionId: String(body % 2) }));
  for (const id of ['1', '0']) {
    const session = await client.acceptSession('q', id);
    await drain(session, count / 2, (message) => session.deadLetterMessage(message));
    await session.close();
  }
  expect(await broker.status()).toMatchObject([{ active: 0, deadLettered: count }]);
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  expect(await drain(dead, count)).toEqual(numbers(count));
});

test('a restart finds a backlog, its sessions, what is deferred and what is scheduled', async () => {
  const data = mkdtempSync(join(tmpdir(), 'broker-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const { topology } = queues({ name: 'q', maxDeliveryCount: 100 }, { name: 's', requiresSession: true });
  const first = await createBroker({ data, port: 0, topology });
  const before = testClient(first);
  await fill(before, 'q', 3000);
  await fill(before, 's', 3000, (body) => ({ sessionId: `s${body % 1000}` }));
  const due = new Date(Date.now() + 60 * MINUTE_MS);
  await before.createSender('q').scheduleMessages({ body: 'later' }, due);
  const receiver = before.createReceiver('q');
  const [deferred, ...others] = await receiver.receiveMessages(10);
  if (!deferred) throw new Error('nothing received');
  await receiver.deferMessage(deferred);
  for (const message of others) await receiver.abandonMessage(message);
  const session = await before.acceptSession('s', 's7');
  const [ofSession] = await session.receiveMessages(1);
  if (!ofSession) throw new Error('nothing received');
  await session.deferMessage(ofSession);
  const status = await first.status();
  expect(status).toMatchObject([
    { active: 2999, deferred: 1, scheduled: 1 },
    { active: 2999, deferred: 1, sessions: 1000 },
  ]);
  await session.close();
  await first.stop();

  const second = await createBroker({ data, port: 0 });
  onTestFinished(() => second.stop());
  expect(await second.status()).toMatchObject(status.map((line) => ({ ...line, locks: 0 })));
  const after = testClient(second);
  const again = after.createReceiver('q');
  const [one] = await again.receiveDeferredMessages(deferred.sequenceNumber ?? []);
  expect(one).toMatchObject({ body: 0, deliveryCount: 1 });
  const messages = await again.receiveMessages(2);
  expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    [1, 1],
    [2, 1],
  ]);
  for (const message of messages) await again.completeMessage(message);
  expect(await drain(again, 2997)).toEqual(numbers(2997, 3));
  // The session with the oldest message is the first to be accepted.
  const next = await after.acceptNextSession('s');
  expect(next.sessionId).toBe('s0');
  expect(await drain(next, 3)).toEqual([0, 1000, 2000]);
  const seventh = await after.acceptSession('s', 's7');
  expect(await drain(seventh, 2)).toEqual([1007, 2007]);
  const [kept] = await seventh.receiveDeferredMessages(ofSession.sequenceNumber ?? []);
  expect(kept).toMatchObject({ body: 7, deliveryCount: 1 });
});
