import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Broker } from '../../src/index.ts';
import { frame, NULL, saslFrame, symbol, TRUE, uint } from '../kit/amqp/encode.ts';
import * as amqp from '../kit/amqp/performatives.ts';
import { RawPeer } from '../kit/amqp/raw-peer.ts';
import { inSession, sendMessage } from '../kit/attacks/attack.ts';
import { GREETINGS, SAYINGS } from '../kit/attacks/frames.ts';
import { managing, peekRequest } from '../kit/attacks/holding.ts';
import { queues, testBroker, testClient } from './kit.ts';

// docs.oasis-open.org/amqp/core/v1.0, part 2: what a peer may not say, and what it hears then.

const brokerWithQueue = () => testBroker(queues({ name: 'q' }));

/** A link to the queue with handle 0, on channel 1. */
async function sender(broker: Broker): Promise<RawPeer> {
  const peer = await inSession(broker);
  peer.say(1, amqp.attach({ address: 'q', role: amqp.SENDER }));
  await peer.hears(amqp.FLOW);
  return peer;
}

async function receiver(broker: Broker, credit: number): Promise<RawPeer> {
  const peer = await inSession(broker);
  peer.say(1, amqp.attach({ address: 'q', role: amqp.RECEIVER }), amqp.flow(0, credit));
  await peer.hears(amqp.ATTACH);
  return peer;
}

async function bodies(broker: Broker, count: number): Promise<unknown[]> {
  const link = testClient(broker).createReceiver('q', { receiveMode: 'receiveAndDelete' });
  return (await link.receiveMessages(count)).map(({ body }) => String(body));
}

test.each(Object.entries(GREETINGS))(
  '%s: the connection is closed, and where it can be said, why',
  async (_, bytes) => {
    const broker = await brokerWithQueue();
    const peer = new RawPeer(broker.port);
    peer.send(amqp.AMQP_HEADER, bytes);
    expect((await peer.hears(amqp.CLOSE)).text).toContain('amqp:');
    await peer.closed;
  },
);

test.each(Object.entries(SAYINGS))('%s: the connection is closed with a reason', async (_, bytes) => {
  const broker = await brokerWithQueue();
  const peer = await inSession(broker);
  peer.send(...bytes);
  expect((await peer.hears(amqp.CLOSE)).text).toContain('amqp:');
  await peer.closed;
});

test('another version of AMQP is answered with the one that is spoken', async () => {
  const broker = await brokerWithQueue();
  const heard: Buffer[] = [];
  const socket = connect(broker.port, '127.0.0.1').on('data', (chunk: Buffer) => heard.push(chunk));
  socket.write(Buffer.from('AMQP\0\0\x09\x01', 'latin1'));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(Buffer.concat(heard)).toEqual(amqp.AMQP_HEADER);
});

test('a client may say all of its greeting at once, SASL included', async () => {
  const broker = await brokerWithQueue();
  const peer = new RawPeer(broker.port);
  const init = amqp.performative(amqp.SASL_INIT, { 0: symbol('ANONYMOUS') });
  peer.send(
    amqp.SASL_HEADER,
    saslFrame(init),
    amqp.AMQP_HEADER,
    frame(0, amqp.open()),
    frame(3, amqp.begin()),
  );
  await peer.hears(amqp.SASL_OUTCOME);
  await peer.hears(amqp.BEGIN);
  peer.hangUp();
});

test('a request without credit ends its link, and no other', async () => {
  const broker = await brokerWithQueue();
  const peer = await managing(broker, 'q', 0);
  // Replies wait for credit, and requests for replies.
  for (let id = 0; id < 101; id += 1) peer.send(peekRequest(id, 1));
  expect((await peer.hears(amqp.DETACH)).text).toContain('amqp:link:transfer-limit-exceeded');
  peer.say(1, amqp.flow(0, 1000));
  for (let id = 0; id < 100; id += 1) await peer.hears(amqp.TRANSFER);
  peer.hangUp();
});

test('a message without end ends its link', async () => {
  const broker = await brokerWithQueue();
  const peer = await sender(broker);
  for (let part = 0; part < 12; part += 1) {
    peer.send(frame(1, amqp.transfer({ id: 0, more: true }), Buffer.alloc(60_000)));
  }
  expect((await peer.hears(amqp.DETACH)).text).toContain('amqp:link:message-size-exceeded');
  peer.hangUp();
});

test('an aborted message is forgotten, and the next one comes', async () => {
  const broker = await brokerWithQueue();
  const peer = await sender(broker);
  const whole = amqp.dataMessage(10);
  peer.send(frame(1, amqp.transfer({ id: 0, more: true }), whole));
  peer.send(frame(1, amqp.transfer({ id: 0, aborted: true })));
  peer.send(frame(1, amqp.transfer({ id: 1 }), amqp.dataMessage(3)));
  await peer.hears(amqp.DISPOSITION);
  expect(await bodies(broker, 1)).toEqual(['aaa']);
  expect(await broker.status()).toMatchObject([{ active: 0 }]);
  peer.hangUp();
});

test('a link that is attached again in the breath of its detach is a new one', async () => {
  const broker = await brokerWithQueue();
  const peer = await inSession(broker);
  const link = amqp.attach({ address: 'q', role: amqp.SENDER, name: 'same' });
  peer.say(1, link, amqp.detach(0), link, amqp.detach(0), link);
  for (let times = 0; times < 3; times += 1) await peer.hears(amqp.ATTACH, 'same');
  sendMessage(peer, 0, amqp.dataMessage(5));
  await peer.hears(amqp.DISPOSITION);
  expect(await broker.status()).toMatchObject([{ active: 1 }]);
  peer.hangUp();
});

test('all of an exchange in one breath is answered in its order', async () => {
  const broker = await brokerWithQueue();
  const peer = await RawPeer.opened(broker);
  peer.heard.length = 0;
  peer.say(5, amqp.begin(), amqp.attach({ address: 'nowhere', role: amqp.SENDER, name: 'none', handle: 1 }));
  peer.say(5, amqp.attach({ address: 'q', role: amqp.SENDER, name: 'link' }));
  // Too large, so that it is refused at once.
  for (let id = 0; id < 5; id += 1) sendMessage(peer, id, amqp.dataMessage(300_000), 5);
  peer.say(5, amqp.end());
  await peer.hears(amqp.END);
  const order = peer.heard.map(({ code }) => code);
  expect(order[0]).toBe(amqp.BEGIN);
  expect(order).toContain(amqp.DISPOSITION);
  peer.hangUp();
});

test('a channel is used again in the breath of its end', async () => {
  const broker = await brokerWithQueue();
  const peer = await inSession(broker);
  peer.say(1, amqp.end(), amqp.begin(), amqp.attach({ address: 'q', role: amqp.SENDER, name: 'second' }));
  await peer.hears(amqp.ATTACH, 'second');
  await peer.hears(amqp.END);
  peer.hangUp();
});

// rhea 3.0.5, session.js, Outgoing.process: it looked for ever for a delivery that was settled before it had left.
test('a message that is settled before it was sent is sent all the same', async () => {
  const complaints = vi.spyOn(console, 'error');
  onTestFinished(() => complaints.mockRestore());
  const broker = await brokerWithQueue();
  const closed = { 1: uint(0) };
  const peer = await inSession(broker);
  peer.say(1, amqp.attach({ address: 'q', role: amqp.RECEIVER }), amqp.flow(0, 1, closed));
  await peer.hears(amqp.ATTACH);
  await testClient(broker).createSender('q').sendMessages({ body: 'one' });
  await vi.waitFor(async () => expect((await broker.status())[0]).toMatchObject({ active: 1, locks: 1 }));
  const settled = { 0: TRUE, 1: uint(0), 2: uint(0), 3: TRUE, 4: amqp.accepted };
  peer.say(1, amqp.performative(amqp.DISPOSITION, settled), amqp.flow(0, 1));
  await peer.hears(amqp.TRANSFER, 'one');
  peer.say(1, amqp.performative(amqp.DISPOSITION, settled), amqp.flow(0, 1, { 9: TRUE }));
  await peer.hears(amqp.FLOW);
  await vi.waitFor(async () => expect((await broker.status())[0]).toMatchObject({ active: 0, locks: 0 }));
  expect(complaints).not.toHaveBeenCalled();
});

test('a flow that asks for an echo is answered, and one without a delivery count counts from the start', async () => {
  const broker = await brokerWithQueue();
  const peer = await receiver(broker, 0);
  peer.say(1, amqp.flow(0, 3, { 5: NULL, 9: TRUE }));
  await peer.hears(amqp.FLOW);
  await testClient(broker).createSender('q').sendMessages({ body: 'x' });
  await peer.hears(amqp.TRANSFER);
  peer.hangUp();
});

test('a peer gets frames no larger than it takes', async () => {
  const broker = await brokerWithQueue();
  await testClient(broker)
    .createSender('q')
    .sendMessages({ body: 'x'.repeat(5000) });
  const peer = await inSession(broker, { 2: uint(512) });
  peer.say(1, amqp.attach({ address: 'q', role: amqp.RECEIVER }), amqp.flow(0, 1));
  for (let parts = 0; parts < 10; parts += 1) {
    expect((await peer.hears(amqp.TRANSFER)).bytes.length).toBeLessThanOrEqual(512);
  }
  peer.hangUp();
});

test('an idle time-out of 49 days makes no flood of heartbeats', async () => {
  const broker = await brokerWithQueue();
  const peer = await RawPeer.opened(broker, { 4: uint(0xffff_ffff) });
  peer.heard.length = 0;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(peer.heard).toEqual([]);
  peer.hangUp();
});
