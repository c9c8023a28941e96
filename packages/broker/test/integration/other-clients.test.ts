import rhea, { type EventContext, type Receiver } from 'rhea';
import { expect, onTestFinished, test } from 'vitest';
import { described } from '../kit/amqp/encode.ts';
import {
  ATTACH,
  attach,
  DISPOSITION,
  disposition,
  flow,
  RECEIVER,
  TRANSFER,
} from '../kit/amqp/performatives.ts';
import { RawPeer } from '../kit/amqp/raw-peer.ts';
import { queues, testBroker, testClient } from './kit.ts';
import { type RawClient, rawClient, sasToken } from './raw-client.ts';

// What the clients of other languages do on the wire and look for, by raw AMQP: azure-sdk-for-go sdk/messaging/azservicebus
// with github.com/Azure/go-amqp; azure-sdk-for-java azure-messaging-servicebus.

const { types } = rhea;
/** `sessionReceiver.newLink` in azservicebus/session_receiver.go. */
const SESSION_CODE = 0x13_7000_000c;

interface Attached {
  source?: {
    address?: string;
    filter?: Record<string, { value?: unknown; descriptor?: { value: unknown } }>;
  };
}

function attachOf(receiver: Receiver): Attached {
  return (receiver as unknown as { remote: { attach: Attached } }).remote.attach;
}

/** Rejects when the broker refuses it. */
async function opened({ connection }: RawClient, options: object): Promise<Receiver> {
  const receiver = connection.open_receiver({ credit_window: 0, ...options });
  await new Promise<void>((resolve, reject) => {
    // A refused attach is answered without a source, then detached.
    receiver.once('receiver_open', () => attachOf(receiver).source?.address && resolve());
    receiver.once('receiver_error', () => {
      const { condition, description } = receiver.error as { condition: string; description: string };
      reject(new Error(`${condition} ${description}`));
    });
  });
  return receiver;
}

function next(receiver: Receiver): Promise<EventContext> {
  receiver.add_credit(1);
  return new Promise((resolve) => receiver.once('message', resolve));
}

// go-amqp, link.go: setSettleModes ends a link whose answer has other modes than were asked for.
test('an attach is answered in the settle modes that the client asks for', async () => {
  const raw = await rawClient(await testBroker());
  const settled = await opened(raw, { source: '$cbs', snd_settle_mode: 1, rcv_settle_mode: 0 });
  expect(settled.snd_settle_mode).toBe(1);
  const sender = raw.connection.open_sender({ target: '$cbs', snd_settle_mode: 1, rcv_settle_mode: 1 });
  await new Promise((resolve) => sender.once('sender_open', resolve));
  expect([sender.snd_settle_mode, sender.rcv_settle_mode]).toEqual([1, 1]);
});

test('a session asked for by a described filter is granted by one', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  await testClient(broker).createSender('q').sendMessages({ body: 1, sessionId: 'a' });
  const raw = await rawClient(broker);
  for (const [asked, granted] of [
    ['b', 'b'],
    [null, 'a'],
  ]) {
    const filter = { 'com.microsoft:session-filter': types.wrap_described(asked, SESSION_CODE) };
    const receiver = await opened(raw, { source: { address: 'q', filter } });
    const answer = attachOf(receiver).source?.filter?.['com.microsoft:session-filter'];
    expect([answer?.descriptor?.value, answer?.value]).toEqual([SESSION_CODE, granted]);
  }
});

// azservicebus/message.go, newReceivedMessage: the token of a deferred message is read from there alone.
test('a locked message carries its lock token among its delivery annotations', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  await testClient(broker).createSender('q').sendMessages({ body: 1 });
  const raw = await rawClient(broker);
  const receiver = await opened(raw, { source: 'q', autoaccept: false, autosettle: false });
  const { message, delivery } = await next(receiver);
  const token = message?.delivery_annotations?.['x-opt-lock-token'] as Buffer;
  const dotnet = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map((at) => token[at]);
  expect([...Buffer.from(delivery?.tag ?? '')]).toEqual(dotnet);
  const settled = new Promise((resolve) => receiver.once('settled', resolve));
  const { modified } = rhea.message as unknown as {
    modified: (of: object) => { described(): unknown };
  };
  (delivery as unknown as { update(settled: boolean, state: unknown): void }).update(
    false,
    modified({ undeliverable_here: true }).described(),
  );
  await settled;

  const seq = message?.message_annotations?.['x-opt-sequence-number'];
  const { body } = await raw.manage(
    'q',
    { operation: 'com.microsoft:receive-by-sequence-number' },
    {
      'sequence-numbers': types.wrap_array([seq], 0x81, undefined),
      'receiver-settle-mode': types.wrap_uint(1),
    },
  );
  const [deferred] = body['messages'] as { message: Buffer; 'lock-token': Buffer }[];
  const annotations = rhea.message.decode(deferred?.message ?? Buffer.alloc(0)).delivery_annotations;
  expect(annotations?.['x-opt-lock-token']).toEqual(deferred?.['lock-token']);
});

// azservicebus/client_test.go, TestNewClientNewSenderNotFound: the answer to put-token is what becomes CodeNotFound.
test('a token for an entity that does not exist is answered with not found', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const raw = await rawClient(broker, { namespaceToken: false });
  const put = (path: string) => {
    const audience = `amqps://localhost:${broker.port}/${path}`;
    return raw.putToken(audience, sasToken(broker, audience));
  };
  expect(await put('nothing')).toMatchObject({
    'status-code': 404,
    'status-description': expect.stringMatching(/^The messaging entity '.*nothing' could not be found/),
    'error-condition': 'amqp:not-found',
  });
  for (const path of ['', 'q', 'Q/$management', 'q/$DeadLetterQueue/$management'])
    expect(await put(path)).toMatchObject({ 'status-code': 202 });
});

// github.com/MicrosoftDocs/azure-docs/issues/73870 and Azure/azure-service-bus-dotnet/issues/195: a missing subscription is told
// by the link and not by put-token. Python's client makes a ServiceBusAuthenticationError of the latter
// (azure-sdk-for-python tests/test_sessions.py, test_session_connection_failure_is_idempotent).
test('a token for a subscription goes by its topic; that the subscription does not exist is told by its link', async () => {
  const topology = { queues: [], topics: [{ name: 't', subscriptions: [{ name: 'there' }] }] };
  const broker = await testBroker({ topology });
  const raw = await rawClient(broker, { namespaceToken: false });
  const put = (path: string) => {
    const audience = `amqps://localhost:${broker.port}/${path}`;
    return raw.putToken(audience, sasToken(broker, audience));
  };
  for (const path of ['missing/Subscriptions/there', 'missing/subscriptions/s/$management', 't/other/there'])
    expect(await put(path)).toMatchObject({ 'status-code': 404 });
  for (const path of [
    'T/Subscriptions/missing',
    't/subscriptions/missing/$DeadLetterQueue',
    't/subscriptions/there',
  ])
    expect(await put(path)).toMatchObject({ 'status-code': 202 });
  await expect(opened(raw, { source: 'T/Subscriptions/missing' })).rejects.toThrow(
    /The messaging entity '.*T\/Subscriptions\/missing' could not be found/,
  );
});

// azservicebus/internal/sas/sas.go, CreateConnectionStringWithSASUsingExpiry; client_test.go, TestClientUnauthorizedCreds
test('a token for a host without a scheme is for all of it, and an expired one says since when', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const raw = await rawClient(broker, { namespaceToken: false });
  const put = (expiresAt: number) =>
    raw.putToken(`amqps://localhost/q`, sasToken(broker, `localhost:${broker.port}`, { expiresAt }));
  expect(await put(Date.now() + 60_000)).toMatchObject({ 'status-code': 202 });
  expect(await put(1_700_000_000_000)).toMatchObject({
    'status-code': 401,
    'status-description': 'ExpiredToken: The token is expired. Expiration time: 2023-11-14T22:13:20.000Z.',
  });
});

test('an attach without the right for it says which claim it lacks', async () => {
  const keys = { sending: { key: 'c2VuZA==', rights: ['Send' as const] } };
  const broker = await testBroker({ ...queues({ name: 'q' }), keys });
  const raw = await rawClient(broker);
  await expect(opened(raw, { source: 'q' })).rejects.toThrow(
    "Unauthorized access. 'Listen' claim(s) are required to perform this operation. Resource: 'sb://localhost/q'.",
  );
});

// JMS queue browsers ask for copies (qpid-jms, AmqpConsumerBuilder); the service has none over AMQP.
test('a receiver that wants copies is refused instead of taking messages away', async () => {
  const raw = await rawClient(await testBroker(queues({ name: 'q' })));
  const source = { address: 'q', distribution_mode: 'copy' };
  await expect(opened(raw, { source })).rejects.toThrow(/amqp:not-implemented/);
});

// azservicebus/session_receiver_test.go and messageSettler_test.go, run against the service
test('an empty session state is none, and abandoning a dead letter does not count', async () => {
  const broker = await testBroker(queues({ name: 's', requiresSession: true }, { name: 'q' }));
  const raw = await rawClient(broker);
  const filter = { 'com.microsoft:session-filter': 'a' };
  const { name } = await opened(raw, { source: { address: 's', filter } });
  const act = (operation: string, more = {}) =>
    raw.manage('s', { operation, 'associated-link-name': name }, { 'session-id': 'a', ...more });
  for (const state of [Buffer.from('x'), Buffer.alloc(0)]) {
    await act('com.microsoft:set-session-state', { 'session-state': types.wrap_binary(state) });
  }
  expect((await act('com.microsoft:get-session-state')).body['session-state']).toBeNull();

  const client = testClient(broker);
  await client.createSender('q').sendMessages({ body: 1 });
  const receiver = client.createReceiver('q');
  const [message] = await receiver.receiveMessages(1);
  if (message) await receiver.deadLetterMessage(message);
  const dead = client.createReceiver('q', { subQueueType: 'deadLetter' });
  const counts: unknown[] = [];
  for (let round = 0; round < 2; round += 1) {
    const [letter] = await dead.receiveMessages(1);
    counts.push(letter?.deliveryCount);
    if (letter) await dead.abandonMessage(letter);
  }
  expect(counts).toEqual([0, 0]);
});

// azservicebus/receiver.go, newReleaserFunc: what comes after the receiver has given up is released.
test('a release is confirmed by an empty list also after other outcomes were empty', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const messages = ['rejected', 'modified', 'released'].map((body) => ({ body }));
  await testClient(broker).createSender('q').sendMessages(messages);
  const peer = await RawPeer.opened(broker);
  onTestFinished(() => peer.hangUp());
  await peer.begins(1);
  peer.say(1, attach({ address: 'q', role: RECEIVER, name: 'receiving' }));
  await peer.hears(ATTACH, 'receiving');
  peer.say(1, flow(0, 3));
  const empty = Buffer.from([0x45]);
  for (const [index, code] of [0x25, 0x27, 0x26].entries()) {
    await peer.hears(TRANSFER);
    peer.say(1, disposition(true, index, index, described(code, empty)));
    const { bytes } = await peer.hears(DISPOSITION);
    if (code === 0x26) expect(bytes.includes(described(code, empty))).toBe(true);
  }
});

// azservicebus/sender.go, NewMessageBatch
test('a queue for large messages says how much smaller its batches are', async () => {
  const large = queues({ name: 'q', maxMessageSizeInKilobytes: 10_240 }, { name: 'usual' });
  const { connection } = await rawClient(await testBroker({ ...large, tier: 'premium' }));
  const said = async (target: string) => {
    const sender = connection.open_sender(target);
    await new Promise((resolve) => sender.once('sender_open', resolve));
    const { attach: answer } = (sender as unknown as { remote: { attach: Record<string, unknown> } }).remote;
    return [answer['max_message_size'], answer['properties']];
  };
  expect(await said('q')).toEqual([10_485_760, { 'com.microsoft:max-message-batch-size': 1_048_576 }]);
  expect(await said('usual')).toEqual([1_048_576, null]);
});
