// Every kind of fault as the real client meets it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceBusClient } from '@azure/service-bus';
import { expect, onTestFinished, test } from 'vitest';
import { type ConnectionTarget, createBroker } from '../../src/index.ts';
import { adminClient } from './admin-client.ts';
import { queues, testBroker, testClient } from './kit.ts';
import { rawClient } from './raw-client.ts';

const BUSY = 'com.microsoft:server-busy';
const sessions = { name: 'actors', requiresSession: true };

test('operations are rejected by kind and entity, so often as asked, with the condition that clients know', async () => {
  const broker = await testBroker(queues({ name: 'q' }, { name: 'other' }, sessions));
  const { faults } = broker;
  const client = testClient(broker);
  const sender = client.createSender('q');
  const busy = await faults.inject({
    kind: 'reject',
    on: { operation: 'send', entity: 'Q', skip: 1, times: 2 },
    condition: BUSY,
  });
  await sender.sendMessages({ body: 0 });
  for (const body of [1, 2])
    await expect(sender.sendMessages({ body })).rejects.toMatchObject({ code: 'ServiceBusy' });
  await client.createSender('other').sendMessages({ body: 3 });
  await sender.sendMessages({ body: 4 });
  await faults.triggered(busy, 2);

  const session = await client.acceptSession('actors', 'a');
  await faults.inject({
    kind: 'reject',
    on: { operation: 'state-write', session: 'a' },
    condition: 'com.microsoft:session-lock-lost',
  });
  await expect(session.setSessionState('no')).rejects.toMatchObject({ code: 'SessionLockLost' });
  await faults.inject({ kind: 'reject', on: { operation: 'state-read' }, condition: BUSY });
  await expect(session.getSessionState()).rejects.toMatchObject({ code: 'ServiceBusy' });
  expect(await session.getSessionState()).toBeNull();
  await faults.inject({ kind: 'reject', on: { operation: 'renew' }, condition: 'com.microsoft:timeout' });
  await expect(session.renewSessionLock()).rejects.toMatchObject({ code: 'ServiceTimeout' });
  await faults.inject({
    kind: 'reject',
    on: { operation: 'accept', session: 'b' },
    condition: 'com.microsoft:session-cannot-be-locked',
  });
  await expect(client.acceptSession('actors', 'b')).rejects.toMatchObject({ code: 'SessionCannotBeLocked' });
  await (await client.acceptSession('actors', 'b')).close();
  await faults.inject({ kind: 'reject', on: { operation: 'schedule' }, condition: 'amqp:not-allowed' });
  await expect(sender.scheduleMessages({ body: 5 }, new Date(Date.now() + 60_000))).rejects.toThrow(
    /rejected by a fault/,
  );

  await faults.inject({ kind: 'reject', on: { operation: 'settle' }, condition: BUSY });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (!message) throw new Error('nothing was received');
  await expect(receiver.completeMessage(message)).rejects.toMatchObject({ code: 'ServiceBusy' });
  expect(await broker.status()).toMatchObject([{ name: 'q', active: 2, locks: 1, scheduled: 0 }, {}, {}]);

  await faults.inject({
    kind: 'reject',
    on: { operation: 'admin', entity: 'made' },
    condition: 'amqp:not-allowed',
  });
  const admin = adminClient({ connectionString: broker.connectionString });
  await expect(admin.createQueue('made')).rejects.toMatchObject({ statusCode: 400 });
  await admin.createQueue('made');
  expect((await faults.list()).every(({ spent }) => spent)).toBe(true);
});

test('an operation may be done although its client was told that it failed', async () => {
  const broker = await testBroker(queues({ name: 'q' }, sessions));
  const client = testClient(broker);
  await broker.faults.inject({ kind: 'reject', on: {}, at: 'committed', condition: BUSY });
  await expect(client.createSender('q').sendMessages({ body: 1 })).rejects.toMatchObject({
    code: 'ServiceBusy',
  });
  // An accept that is refused late gives the session back.
  await client.createSender('actors').sendMessages({ body: 1, sessionId: 'a' });
  await broker.faults.inject({
    kind: 'reject',
    on: { operation: 'accept' },
    at: 'committed',
    condition: BUSY,
  });
  await expect(client.acceptNextSession('actors')).rejects.toMatchObject({ code: 'ServiceBusy' });
  expect(await broker.status()).toMatchObject([{ active: 1 }, { locks: 0 }]);
  expect((await client.acceptNextSession('actors')).sessionId).toBe('a');
});

test('a delay holds one operation until it is cleared, and others pass it', async () => {
  const broker = await testBroker(queues({ name: 'q' }, sessions));
  const client = testClient(broker);
  const sender = client.createSender('q');
  const held = await broker.faults.inject({ kind: 'delay', on: { operation: 'send' } });
  let first = 'under way';
  const sending = sender.sendMessages({ body: 1 }).then(() => (first = 'sent'));
  await broker.faults.triggered(held);
  await sender.sendMessages({ body: 2 });
  expect(first).toBe('under way');
  expect(await broker.status()).toMatchObject([{ active: 1 }, {}]);
  await broker.faults.clear(held);
  await sending;
  const peeked = await client.createReceiver('q').peekMessages(5);
  expect(peeked.map(({ body }) => body)).toEqual([2, 1]);

  // Done, and not yet told.
  const late = await broker.faults.inject({
    kind: 'delay',
    on: { operation: 'state-write' },
    at: 'committed',
  });
  const session = await client.acceptSession('actors', 'a');
  const writing = session.setSessionState('written');
  await broker.faults.triggered(late);
  expect(await session.getSessionState()).toBe('written');
  await broker.faults.clear();
  await writing;

  await broker.faults.inject({ kind: 'delay', on: { operation: 'accept' }, ms: 30 });
  expect((await client.acceptSession('actors', 'b')).sessionId).toBe('b');
  const waits = await broker.faults.inject({ kind: 'delay', on: { operation: 'accept' } });
  const next = client.acceptNextSession('actors');
  await broker.faults.triggered(waits);
  await client.createSender('actors').sendMessages({ body: 1, sessionId: 'c' });
  expect(await broker.status()).toMatchObject([{}, { locks: 2 }]);
  await broker.faults.clear();
  expect((await next).sessionId).toBe('c');
});

test.each(['arrived', 'committed'] as const)(
  'a client that goes away while its accept is held (%s) leaves no lock behind',
  async (at) => {
    const broker = await testBroker(queues(sessions));
    const held = await broker.faults.inject({ kind: 'delay', on: { operation: 'accept' }, at });
    const accepting = testClient(broker)
      .acceptSession('actors', 'a')
      .catch(() => 'gone');
    await broker.faults.triggered(held);
    expect(await broker.status()).toMatchObject([{ locks: at === 'arrived' ? 0 : 1 }]);
    await broker.faults.inject({ kind: 'drop-connection', of: {} });
    expect(await accepting).toBe('gone');
    await broker.faults.clear();
    await expect.poll(() => broker.status()).toMatchObject([{ locks: 0 }]);
    await testClient(broker).acceptSession('actors', 'a');
  },
);

test("a message whose settlement was refused is nobody's: it comes again when its lock is over", async () => {
  const broker = await testBroker({ ...queues({ name: 'q', lockDuration: 'PT1M' }), clock: 'virtual' });
  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1 });
  await broker.faults.inject({ kind: 'reject', on: { operation: 'settle' }, condition: BUSY });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (!message) throw new Error('nothing was received');
  await expect(receiver.completeMessage(message)).rejects.toMatchObject({ code: 'ServiceBusy' });
  await broker.advance(59_999);
  expect(await broker.status()).toMatchObject([{ locks: 1 }]);
  await broker.advance(1);
  expect(await broker.status()).toMatchObject([{ locks: 0, active: 1 }]);
  expect(await receiver.receiveMessages(1)).toMatchObject([{ body: 1, deliveryCount: 1 }]);
});

test('connections are dropped at once: all, those of an entity, or none', async () => {
  const broker = await testBroker(queues({ name: 'a' }, { name: 'b' }));
  const clients = await Promise.all(
    ['a', 'b', 'b'].map(async (entity) => ({ entity, ...(await rawClient(broker)) })),
  );
  for (const client of clients) await client.manage(client.entity, { operation: 'any' }, {});
  const gone = new Set<number>();
  for (const [index, { connection }] of clients.entries())
    connection.once('disconnected', () => gone.add(index));
  const { faults } = broker;
  const dropped = async (of: ConnectionTarget) => {
    const id = await faults.inject({ kind: 'drop-connection', of });
    return (await faults.list()).find((fault) => fault.id === id)?.triggered;
  };
  expect(await dropped({ entity: 'missing' })).toBe(0);
  expect(await dropped({ container: 'nobody' })).toBe(0);
  expect(await dropped({ entity: 'A' })).toBe(1);
  const container = String(clients[2]?.connection.container.id);
  expect(await dropped({ entity: 'a', container })).toBe(0);
  expect(await dropped({ container })).toBe(1);
  await expect.poll(() => gone).toEqual(new Set([0, 2]));
  expect(await dropped({})).toBe(1);
  expect(await dropped({})).toBe(0);
  await expect.poll(() => gone).toEqual(new Set([0, 1, 2]));
});

test('a dropped connection leaves what was committed, and an operation that had only arrived undone', async () => {
  const broker = await testBroker(queues(sessions));
  const write = async (state: string) => {
    const client = new ServiceBusClient(broker.connectionString, {
      retryOptions: { maxRetries: 0, timeoutInMs: 1000 },
    });
    onTestFinished(() => client.close());
    const session = await client.acceptSession('actors', 'a');
    const outcome = session.setSessionState(state).then(
      () => 'told',
      () => 'not told',
    );
    return outcome;
  };
  const read = async () => {
    const session = await testClient(broker).acceptSession('actors', 'a');
    const state = await session.getSessionState();
    await session.close();
    return state;
  };
  const drop = (at: 'arrived' | 'committed' | 'acknowledged') =>
    broker.faults.inject({ kind: 'drop-connection', on: { operation: 'state-write' }, at });
  await drop('arrived');
  expect([await write('one'), await read()]).toEqual(['not told', null]);
  await drop('committed');
  expect([await write('two'), await read()]).toEqual(['not told', 'two']);
  await drop('acknowledged');
  expect([await write('three'), await read()]).toEqual(['told', 'three']);
});

test('a message loses its lock: it comes again, counted, and the first delivery can no longer be settled', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages([
    { body: 1, messageId: 'one' },
    { body: 2, messageId: 'two' },
  ]);
  const receiver = client.createReceiver('q');
  const [one, two] = await receiver.receiveMessages(2);
  if (!one || !two) throw new Error('nothing was received');
  await broker.faults.inject({ kind: 'lose-lock', of: { entity: 'q', messageId: 'one' } });
  await expect(receiver.completeMessage(one)).rejects.toMatchObject({ code: 'MessageLockLost' });
  await broker.faults.inject({ kind: 'lose-lock', on: { operation: 'settle', messageId: 'two' } });
  await expect(receiver.completeMessage(two)).rejects.toMatchObject({ code: 'MessageLockLost' });
  const again = await receiver.receiveMessages(2);
  expect(again.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    [1, 1],
    [2, 1],
  ]);
  // Renewed, and lost between that and its answer.
  const [first, second] = again;
  if (!first || !second) throw new Error('nothing was received');
  await broker.faults.inject({ kind: 'lose-lock', on: { operation: 'renew' }, at: 'committed' });
  await receiver.renewMessageLock(first);
  await expect(receiver.completeMessage(first)).rejects.toMatchObject({ code: 'MessageLockLost' });
  await receiver.completeMessage(second);
});

test('a session loses its lock before or after its state is written; its holder is told', async () => {
  const broker = await testBroker(queues(sessions));
  const lost: unknown[] = [];
  const accept = async () => {
    const session = await testClient(broker).acceptSession('actors', 'a');
    session.subscribe({
      processMessage: async () => {},
      processError: async ({ error }) => void lost.push((error as { code?: string }).code),
    });
    return session;
  };
  const first = await accept();
  await broker.faults.inject({ kind: 'lose-lock', on: { operation: 'state-write' } });
  await expect(first.setSessionState('too late')).rejects.toMatchObject({ code: 'SessionLockLost' });
  const second = await accept();
  expect(await second.getSessionState()).toBeNull();
  await broker.faults.inject({ kind: 'lose-lock', on: { operation: 'state-write' }, at: 'committed' });
  await second.setSessionState('in time').catch(() => {});
  const third = await accept();
  expect(await third.getSessionState()).toBe('in time');
  await broker.faults.inject({ kind: 'lose-lock', of: { entity: 'actors', session: 'other' } });
  await third.setSessionState('still held');
  // A send elsewhere takes the lock of this one.
  await broker.faults.inject({
    kind: 'lose-lock',
    on: { operation: 'send', messageId: 'trigger' },
    of: { entity: 'actors', session: 'a' },
  });
  await testClient(broker)
    .createSender('actors')
    .sendMessages({ body: 1, sessionId: 'z', messageId: 'trigger' });
  await expect.poll(() => lost).toEqual(['SessionLockLost', 'SessionLockLost', 'SessionLockLost']);
  expect(await broker.status()).toMatchObject([{ locks: 0 }]);
});

test('a delivery comes twice; both are settled, and the message is gone once', async () => {
  const broker = await testBroker({ ...queues({ name: 'q' }), clock: 'virtual' });
  const client = testClient(broker);
  await client.createSender('q').sendMessages([1, 2, 3].map((body) => ({ body })));
  await broker.faults.inject({ kind: 'duplicate', on: { entity: 'q', skip: 1 } });
  const receiver = client.createReceiver('q');
  const messages = await receiver.receiveMessages(4);
  expect(messages.map(({ body, deliveryCount }) => [body, deliveryCount])).toEqual([
    [1, 0],
    [2, 0],
    [2, 0],
    [3, 0],
  ]);
  expect(new Set(messages.map(({ lockToken }) => lockToken)).size).toBe(4);
  const [, original, copy] = messages;
  expect(copy?.sequenceNumber).toEqual(original?.sequenceNumber);
  for (const message of messages) if (message !== copy) await receiver.completeMessage(message);
  await expect(broker.advance(0, { patienceMs: 100 })).rejects.toMatchObject({
    code: 'BROKER_NOT_QUIET',
    message: expect.stringContaining('copy'),
  });
  if (copy) await receiver.completeMessage(copy);
  await broker.advance(0);
  expect(await broker.status()).toMatchObject([{ active: 0, locks: 0, deadLettered: 0 }]);
});

test('a copy waits until the link has room for it', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
  await broker.faults.inject({ kind: 'duplicate' });
  const bodies: unknown[] = [];
  client
    .createReceiver('q')
    .subscribe(
      { processMessage: async ({ body }) => void bodies.push(body), processError: async () => {} },
      { maxConcurrentCalls: 1 },
    );
  await expect.poll(() => bodies).toEqual([1, 1, 2]);
  await expect.poll(() => broker.status()).toMatchObject([{ active: 0 }]);
});

test('a message comes again although its completion was acknowledged', async () => {
  const broker = await testBroker(queues({ name: 'q' }, sessions));
  const client = testClient(broker);
  await broker.faults.inject({ kind: 'duplicate', after: 'settlement' });
  await client.createSender('q').sendMessages({ body: 1 });
  const receiver = client.createReceiver('q');
  for (const deliveryCount of [0, 1]) {
    const [message] = await receiver.receiveMessages(1);
    if (!message) throw new Error('nothing was received');
    expect(message.deliveryCount).toBe(deliveryCount);
    await receiver.completeMessage(message);
  }
  expect(await broker.status()).toMatchObject([{ active: 0 }, {}]);
});

test('the broker stops before or after an acknowledgement, without a flush; what was committed is there again', async () => {
  const data = await mkdtemp(join(tmpdir(), 'quorate-fault-'));
  onTestFinished(() => rm(data, { recursive: true }));
  const entity = { name: 'q', requiresDuplicateDetection: true };
  const seen: unknown[] = [];
  for (const at of ['arrived', 'committed', 'acknowledged'] as const) {
    const broker = await createBroker({ data, port: 0, ...queues(entity) });
    const client = new ServiceBusClient(broker.connectionString, {
      retryOptions: { maxRetries: 0, timeoutInMs: 2000 },
    });
    onTestFinished(() => client.close());
    const sender = client.createSender('q');
    await sender.sendMessages({ body: `before ${at}`, messageId: `before ${at}` });
    const id = await broker.faults.inject({ kind: 'stop', on: { operation: 'send' }, at });
    const struck = broker.faults.triggered(id);
    const told = await sender.sendMessages({ body: at, messageId: at }).then(
      () => 'told',
      () => 'not told',
    );
    expect(told).toBe(at === 'acknowledged' ? 'told' : 'not told');
    await struck;
    const { reason } = await broker.closed;
    expect(reason).toBe(`a fault (fault-1) stopped it at a send that was ${at}`);
    await broker.stop();
    const again = await createBroker({ data, port: broker.port });
    const peeker = testClient(again).createReceiver('q');
    seen.push((await peeker.peekMessages(10)).map(({ body }) => body));
    // Whoever was not told sends again, and it is there once.
    await testClient(again).createSender('q').sendMessages({ body: at, messageId: at });
    await again.stop();
  }
  expect(seen).toEqual([
    ['before arrived'],
    ['before arrived', 'arrived', 'before committed', 'committed'],
    ['before arrived', 'arrived', 'before committed', 'committed', 'before acknowledged', 'acknowledged'],
  ]);
});

test('nothing of this can be asked for over AMQP', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const raw = await rawClient(broker);
  for (const operation of ['injectFault', 'com.microsoft:fault', 'advance']) {
    const reply = await raw.manage('q', { operation }, { kind: 'stop', on: {} });
    expect(reply.properties).toMatchObject({ statusCode: 501, errorCondition: 'amqp:not-implemented' });
  }
  expect(await broker.faults.list()).toEqual([]);
});
