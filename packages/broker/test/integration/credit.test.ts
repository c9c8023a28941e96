import { expect, onTestFinished, test } from 'vitest';
import type { Broker } from '../../src/index.ts';
import { described, frame, list, map, NULL, symbol, TRUE, uint } from '../kit/amqp/encode.ts';
import { deliveryIdOf, fieldsOf, flowOf } from '../kit/amqp/fields.ts';
import {
  ATTACH,
  attach,
  begin,
  DETACH,
  DISPOSITION,
  dataMessage,
  detach,
  end,
  FLOW,
  flow,
  performative,
  RECEIVER,
  SENDER,
  source,
  TRANSFER,
  transfer,
} from '../kit/amqp/performatives.ts';
import { RawPeer } from '../kit/amqp/raw-peer.ts';
import { queues, testBroker, testClient } from './kit.ts';

// docs.oasis-open.org/amqp/core/v1.0, part 2: 2.5.6 (session flow control), 2.6.7 (link flow control), 2.7.4 (flow). A client
// that drains while a message crosses: azure-sdk-for-python 7.14, `_pyamqp/receiver.py`, at every close.

const MAX = 0xffff_ffff;
const drain = (credit: number, count: number, fields: Record<number, Buffer> = {}) =>
  flow(0, credit, { 5: uint(count), 8: TRUE, ...fields });

async function receiving(broker: Broker, messages: number, settled = false): Promise<RawPeer> {
  if (messages > 0) {
    const bodies = Array.from({ length: messages }, (_, body) => ({ body }));
    await testClient(broker).createSender('q').sendMessages(bodies);
  }
  const peer = await RawPeer.opened(broker);
  onTestFinished(() => peer.hangUp());
  await peer.begins(1);
  peer.say(1, attach({ address: 'q', role: RECEIVER, settled }));
  await peer.hears(ATTACH, 'q-0');
  return peer;
}

async function nextIds(peer: RawPeer, count: number): Promise<unknown[]> {
  const ids: unknown[] = [];
  while (ids.length < count) ids.push(deliveryIdOf(await peer.hears(TRANSFER, 1)));
  return ids;
}

test('a drain that crosses a delivery ends, and the others are served', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await receiving(broker, 2);
  peer.say(1, flow(0, 1));
  await nextIds(peer, 1);
  // It has not seen the message yet.
  peer.say(1, drain(0, 0));
  expect(flowOf(await peer.hears(FLOW, 1))).toEqual({ count: 1, credit: 0, drain: true });
  expect(await testClient(broker).createReceiver('q').receiveMessages(1)).toMatchObject([{ body: 1 }]);
});

test.each([
  ['nothing', 0, 0, 0],
  ['all there is', MAX, 0, MAX],
  ['as much after four thousand million deliveries', MAX, MAX, MAX - 1],
  ['credit that was never given', 0, MAX, 0],
  ['less than it has got', 0, 2 ** 31 + 1, 0],
])('a drain of %s is answered at once', async (_, credit, seen, count) => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await receiving(broker, 0);
  peer.say(1, drain(credit, seen));
  expect(flowOf(await peer.hears(FLOW, 1))).toEqual({ count, credit: 0, drain: true });
});

test('credit counts from where the drain has led, over the end of the numbers', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await receiving(broker, 0);
  peer.say(1, drain(MAX, 0));
  await peer.hears(FLOW, 1);
  await testClient(broker)
    .createSender('q')
    .sendMessages([1, 2, 3, 4].map((body) => ({ body })));
  peer.say(1, flow(0, 2, { 5: uint(MAX) }));
  expect(await nextIds(peer, 2)).toEqual([0, 1]);
  peer.say(1, flow(0, 0, { 5: uint(1), 9: TRUE }));
  expect(flowOf(await peer.hears(FLOW, 1))).toEqual({ count: 1, credit: 0, drain: false });
  peer.say(1, drain(1, 1));
  await nextIds(peer, 1);
  expect(flowOf(await peer.hears(FLOW, 1))).toEqual({ count: 2, credit: 0, drain: true });
});

test.each([false, true])(
  'the last message of a drain comes before its end (settled: %s)',
  async (settled) => {
    const broker = await testBroker(queues({ name: 'q' }));
    const peer = await receiving(broker, 2, settled);
    peer.say(1, drain(2, 0));
    await nextIds(peer, 2);
    expect(flowOf(await peer.hears(FLOW, 1))).toEqual({ count: 2, credit: 0, drain: true });
  },
);

test.each([false, true])(
  'credit taken back in one breath with its gift holds up nobody (settled: %s)',
  async (settled) => {
    const broker = await testBroker(queues({ name: 'q' }));
    const peer = await receiving(broker, 3, settled);
    peer.say(1, attach({ address: 'q', role: RECEIVER, handle: 1 }));
    await peer.hears(ATTACH, 'q-1');
    peer.say(1, flow(0, 2), drain(0, 0), flow(1, 1));
    expect(await nextIds(peer, 3)).toEqual([0, 1, 2]);
    expect(flowOf(await peer.hears(FLOW, 1))).toEqual({ count: 2, credit: 0, drain: true });
  },
);

test('a closed window holds messages and the end of a drain back', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await receiving(broker, 2);
  const shut = { 1: uint(0) };
  peer.say(1, drain(5, 0, shut), flow(undefined, 0, { ...shut, 9: TRUE }));
  // The answer to the echo.
  expect(fieldsOf(await peer.hears(FLOW, 1))[4] ?? undefined).toBeUndefined();
  // A peer that has seen nothing opens it for one, then for the rest.
  peer.say(1, flow(undefined, 0, { 0: NULL, 1: uint(1) }));
  expect(await nextIds(peer, 1)).toEqual([0]);
  peer.say(1, flow(undefined, 0, { 0: uint(1), 1: uint(1) }));
  expect(await nextIds(peer, 1)).toEqual([1]);
  expect(flowOf(await peer.hears(FLOW, 1))).toEqual({ count: 5, credit: 0, drain: true });
});

test('who asks for a session may drain it before there is one', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const peer = await RawPeer.opened(broker);
  onTestFinished(() => peer.hangUp());
  await peer.begins(1);
  const next = source('q', map(symbol('com.microsoft:session-filter'), NULL));
  peer.say(1, attach({ address: 'q', role: RECEIVER, source: next }), drain(10, 0));
  await testClient(broker).createSender('q').sendMessages({ body: 1, sessionId: 's' });
  await nextIds(peer, 1);
  expect(flowOf(await peer.hears(FLOW, 1))).toEqual({ count: 10, credit: 0, drain: true });
});

test.each([uint(7), list()])('a session whose name is no string is refused', async (name) => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const peer = await RawPeer.opened(broker);
  onTestFinished(() => peer.hangUp());
  await peer.begins(1);
  const filter = map(symbol('com.microsoft:session-filter'), name);
  peer.say(1, attach({ address: 'q', role: RECEIVER, source: source('q', filter) }));
  expect((await peer.hears(DETACH, 1)).text).toContain('com.microsoft:argument-error');
});

test('the way back of requests can be drained', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await RawPeer.opened(broker);
  onTestFinished(() => peer.hangUp());
  await peer.begins(1);
  peer.say(1, attach({ address: 'q/$management', role: RECEIVER }), drain(7, 0));
  expect(flowOf(await peer.hears(FLOW, 1))).toEqual({ count: 7, credit: 0, drain: true });
});

test('a sender counts its deliveries from where it likes, and over the end of the numbers', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await RawPeer.opened(broker);
  onTestFinished(() => peer.hangUp());
  const first = MAX - 1;
  await peer.begins(1, { 1: uint(first) });
  peer.send(frame(1, attach({ address: 'q', role: SENDER, count: first })));
  expect(flowOf(await peer.hears(FLOW, 1))).toMatchObject({ count: first, credit: 1000 });
  const settled: unknown[] = [];
  for (let n = 0; n < 4; n += 1) {
    const id = (first + n) >>> 0;
    peer.send(frame(1, transfer({ id }), dataMessage(1)));
    const [, from, to] = fieldsOf(await peer.hears(DISPOSITION, 1));
    settled.push([from, to]);
  }
  expect(settled).toEqual([first, MAX, 0, 1].map((id) => [id, id]));
  expect(await broker.status()).toMatchObject([{ active: 4 }]);
});

// azure-sdk-for-python `_pyamqp/session.py`, _outgoing_transfer: two threads may read `next_outgoing_id` before one of them
// has raised it, or in between two frames of another's message.
test('ids that come twice, are left out or change on their way are names and nothing else', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await RawPeer.opened(broker);
  onTestFinished(() => peer.hangUp());
  await peer.begins(1);
  for (const handle of [0, 1]) {
    peer.say(1, attach({ address: 'q', role: SENDER, handle }));
    await peer.hears(FLOW, 1);
  }
  const tag = (text: string) => ({ 2: Buffer.concat([Buffer.from([0xa0, 1]), Buffer.from(text)]) });
  const bytes = dataMessage(100);
  peer.send(
    frame(1, transfer({ id: 5, more: true }, tag('a')), bytes.subarray(0, 50)),
    frame(1, transfer({ id: 5, handle: 1 }, tag('b')), bytes),
    frame(1, transfer({ id: 6 }, tag('a')), bytes.subarray(50)),
    frame(1, transfer({ id: 9 }, tag('c')), bytes),
  );
  const ids: unknown[] = [];
  while (ids.length < 3) ids.push(fieldsOf(await peer.hears(DISPOSITION, 1))[1]);
  expect(new Set(ids)).toEqual(new Set([5, 9]));
  expect(await broker.status()).toMatchObject([{ active: 3 }]);
});

test('two deliveries of one link at a time are refused', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await RawPeer.opened(broker);
  await peer.begins(1);
  peer.say(1, attach({ address: 'q', role: SENDER }));
  await peer.hears(FLOW, 1);
  peer.send(
    frame(1, transfer({ id: 0, more: true }), dataMessage(10)),
    frame(1, transfer({ id: 1, more: true }), dataMessage(10)),
  );
  await peer.closed;
});

test('goodbyes to what is gone are let by', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await receiving(broker, 0);
  // A link that waits for a session; its client gives up, and everything at once.
  peer.say(1, end(), detach(0), end());
  peer.say(7, detach(0), end());
  peer.say(2, begin());
  peer.say(2, attach({ address: 'q', role: RECEIVER, name: 'again' }));
  await peer.hears(ATTACH, 'again');
  expect(peer.heard.some(({ code }) => code === DETACH)).toBe(false);
});

// `receiveMessages` with the SDK: the drain of its last moment must be answered, or it gives its session up.
test('a session survives a receive that ends as a message comes', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const client = testClient(broker);
  const sender = client.createSender('q');
  const session = await client.acceptSession('q', 's');
  const bodies: unknown[] = [];
  for (let body = 0; body < 10; body += 1) {
    await sender.sendMessages({ body, sessionId: 's' });
    for (;;) {
      const [message] = await session.receiveMessages(1, { maxWaitTimeInMs: 1 });
      if (!message) continue;
      bodies.push(message.body);
      await session.completeMessage(message);
      break;
    }
  }
  expect(bodies).toEqual(Array.from({ length: 10 }, (_, body) => body));
});

test('settlements by ranges that go round are those of what was sent', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = await receiving(broker, 3);
  peer.say(1, flow(0, 3));
  await nextIds(peer, 3);
  const settle = (first: number, last: number) =>
    performative(DISPOSITION, {
      0: TRUE,
      1: uint(first),
      2: uint(last),
      3: TRUE,
      4: described(0x24, list()),
    });
  // From before the first to the second.
  const left = async () => (await broker.status())[0]?.active;
  peer.say(1, settle(MAX - 3, 1));
  await expect.poll(left).toBe(1);
  peer.say(1, settle(0, MAX));
  await expect.poll(left).toBe(0);
});
