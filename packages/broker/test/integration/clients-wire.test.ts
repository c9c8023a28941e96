import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import type { Broker } from '../../src/index.ts';
import {
  array,
  described,
  frame,
  list,
  long,
  map,
  NULL,
  string,
  symbol,
  TRUE,
  uint,
  uuid,
} from '../kit/amqp/encode.ts';
import {
  AMQP_HEADER,
  ATTACH,
  attach,
  BEGIN,
  begin,
  close,
  DETACH,
  DISPOSITION,
  dataMessage,
  detach,
  end,
  FLOW,
  flow,
  OPEN,
  open,
  performative,
  RECEIVER,
  SENDER,
  TRANSFER,
  transfer,
} from '../kit/amqp/performatives.ts';
import { type Heard, RawPeer, sasToken } from '../kit/amqp/raw-peer.ts';
import { queues, testBroker, testClient } from './kit.ts';

// What Python's clients do on the wire: azure-sdk-for-python sdk/servicebus/azure-servicebus azure/servicebus/_pyamqp (7.15
// and, where said, 7.14), and before 7.9 uamqp. Proton = qpid-proton, its Python binding 0.40.

const RELEASED = described(0x26, list());
const DEFERRED = described(0x27, list(TRUE, TRUE));
const ERROR = Buffer.from([0, 0x53, 0x1d, 0xd0]);
const OPERATION = 'com.microsoft:receive-by-sequence-number';

async function authorized(broker: Broker): Promise<RawPeer> {
  const peer = await RawPeer.opened(broker);
  onTestFinished(() => peer.hangUp());
  return peer;
}

/** Both links to a node as `_pyamqp/management_link.py` attaches them: their addresses are the node's, also as targets. */
async function pair(peer: RawPeer, channel: number, node: string, handle: number): Promise<void> {
  const address = { 0: string(node) };
  const both = { source: performative(0x28, address), target: performative(0x29, address) };
  const name = randomBytes(8).toString('hex');
  peer.say(
    channel,
    attach({ ...both, address: node, role: RECEIVER, handle, name: `${name}-in` }),
    attach({ ...both, address: node, role: SENDER, handle: handle + 1, name: `${name}-out` }),
    flow(handle, 100),
  );
  await peer.hears(ATTACH, `${name}-out`);
}

/** Without `reply_to`, and with a UUID for its id. */
function request(id: Buffer, properties: Record<string, string>, body: Buffer): Buffer {
  const pairs = Object.entries(properties).flatMap(([name, value]) => [string(name), string(value)]);
  return Buffer.concat([
    described(0x73, list(uuid(id))),
    described(0x74, map(...pairs)),
    described(0x77, body),
  ]);
}

function putToken(broker: Broker, id: Buffer, type: string): Buffer {
  const name = `sb://localhost:${broker.port}/q`;
  const token = sasToken(broker.connectionString, name);
  return request(id, { operation: 'put-token', type, name }, string(token));
}

/** How many fields a frame's performative has, or the first list in it that begins so. */
function fieldCount({ bytes }: Heard, start?: Buffer): number {
  const at = start ? bytes.indexOf(start) + start.length : 12;
  return bytes.readUInt32BE(at + 4);
}

// `_pyamqp/cbs.py`, _put_token; `_pyamqp/management_link.py`, _on_message_received compares ids as UUIDs
test('a request that names no way back is answered over the link of its session to the same node', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = new RawPeer(broker.port);
  onTestFinished(() => peer.hangUp());
  peer.send(AMQP_HEADER, frame(0, open()));
  for (const channel of [0, 1]) {
    peer.say(channel, begin());
    await pair(peer, channel, '$cbs', 0);
  }
  for (const channel of [0, 1]) {
    const id = randomBytes(16);
    const message = putToken(broker, id, 'servicebus.windows.net:sastoken');
    peer.send(frame(channel, transfer({ handle: 1, id: 0, settled: true }), message));
    const reply = await peer.hears(TRANSFER, channel);
    expect(reply.text).toContain('Accepted');
    expect(reply.bytes.includes(Buffer.concat([Buffer.from([0x98]), id]))).toBe(true);
  }
});

// `_transport/_pyamqp_transport.py`, create_token_auth drops the type: every token goes out as a jwt.
test('a shared access signature is one also where it is called a jwt', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const peer = new RawPeer(broker.port);
  onTestFinished(() => peer.hangUp());
  peer.send(AMQP_HEADER, frame(0, open()), frame(0, begin()));
  await pair(peer, 0, '$cbs', 0);
  peer.send(
    frame(0, transfer({ handle: 1, id: 0, settled: true }), putToken(broker, randomBytes(16), 'jwt')),
  );
  expect((await peer.hears(TRANSFER)).text).toContain('Accepted');
});

// `_servicebus_sender.py` and `_common/receiver_mixins.py`, _entity_uri; on_attach compares it with the answer's
test('an address may be a URL or an absolute path, and is answered as it was asked', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  await testClient(broker).createSender('q').sendMessages({ body: 1 });
  const peer = await authorized(broker);
  await peer.begins(1);
  for (const [handle, address] of [`amqps://localhost:${broker.port}/Q`, '/q', 'q'].entries()) {
    peer.say(1, attach({ address, role: SENDER, handle, name: `link ${handle}` }));
    const answer = await peer.hears(ATTACH, `link ${handle}`);
    expect(answer.bytes.includes(described(0x29, list()).subarray(0, 3))).toBe(true);
    expect(answer.text).toContain(address);
    await peer.hears(FLOW, 1);
  }
  peer.say(1, attach({ address: 'amqps://localhost/q', role: RECEIVER, handle: 9 }), flow(9, 1));
  await peer.hears(TRANSFER, 1);
});

// 7.14 `_pyamqp/_decode.py`, decode_frame counts on every field; `_pyamqp/management_link.py` and `_pyamqp/sender.py`
// index into errors, which hangs a refused send when the last one is left off
test('lists go out with all their fields', async () => {
  const broker = await testBroker(queues({ name: 'q', requiresSession: true }));
  const peer = new RawPeer(broker.port);
  onTestFinished(() => peer.hangUp());
  peer.send(AMQP_HEADER, frame(0, open()), frame(0, begin()));
  expect(fieldCount(await peer.hears(OPEN))).toBe(10);
  expect(fieldCount(await peer.hears(BEGIN))).toBe(8);
  peer.say(0, attach({ address: 'q', role: SENDER }));
  expect(fieldCount(await peer.hears(ATTACH))).toBe(14);
  const refused = await peer.hears(DETACH);
  expect([fieldCount(refused), fieldCount(refused, ERROR)]).toEqual([3, 3]);
  peer.say(0, close());
  const other = await authorized(broker);
  await other.begins(1);
  other.say(1, attach({ address: 'q', role: SENDER }));
  expect(fieldCount(await other.hears(FLOW, 1))).toBe(11);
  other.send(frame(1, transfer({ id: 0 }), dataMessage(1)));
  const rejected = await other.hears(DISPOSITION, 'SessionId');
  expect([fieldCount(rejected), fieldCount(rejected, ERROR)]).toEqual([6, 3]);
});

// before 7.15 settlements are sent settled, and `_transport/_pyamqp_transport.py`, drain_and_release_messages does so to
// what was prefetched, right before the connection ends
test('what a client settles in one breath with its goodbye counts', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const client = testClient(broker);
  await client.createSender('q').sendMessages([{ body: 1 }, { body: 2 }]);
  const peer = await authorized(broker);
  await peer.begins(1);
  peer.say(1, attach({ address: 'q', role: RECEIVER }), flow(0, 2));
  for (let each = 0; each < 2; each += 1) await peer.hears(TRANSFER, 1);
  const settled = (id: number, state: Buffer) =>
    performative(DISPOSITION, { 0: TRUE, 1: uint(id), 3: TRUE, 4: state });
  peer.say(1, settled(0, described(0x24, list())), settled(1, RELEASED), detach(0), end(), close());
  await peer.closed;
  const [again, ...more] = await client.createReceiver('q').receiveMessages(2);
  expect(again).toMatchObject({ body: 2, deliveryCount: 0 });
  expect(more).toEqual([]);
});

test('a deferred message can be asked for in one breath with its deferral', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  await testClient(broker).createSender('q').sendMessages({ body: 1 });
  const peer = await authorized(broker);
  await peer.begins(1);
  await pair(peer, 1, 'q/$management', 1);
  peer.say(1, attach({ address: 'q', role: RECEIVER }), flow(0, 1));
  await peer.hears(TRANSFER, 1);
  const numbers = array(1, 0x81, [long(1n).subarray(1)]);
  const body = map(string('sequence-numbers'), numbers, string('receiver-settle-mode'), uint(1));
  peer.send(
    frame(1, performative(DISPOSITION, { 0: TRUE, 1: uint(0), 3: TRUE, 4: DEFERRED })),
    frame(
      1,
      transfer({ handle: 2, id: 0, settled: true }),
      request(randomBytes(16), { operation: OPERATION }, body),
    ),
  );
  expect((await peer.hears(TRANSFER, 1)).text).toContain('lock-token');
});

// `_pyamqp/_encode.py`, encode_payload writes delivery annotations last; uamqp mixes others
test('the sections of a message may come in any order, but none twice', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const annotations = described(0x72, map(symbol('x-opt-partition-key'), string('p')));
  const properties = described(0x73, list(string('id')));
  const delivery = described(0x71, map(symbol('last'), string('word')));
  const peer = await authorized(broker);
  await peer.begins(1);
  peer.say(1, attach({ address: 'q', role: SENDER }));
  await peer.hears(FLOW, 1);
  const send = async (id: number, ...sections: Buffer[]) => {
    peer.send(frame(1, transfer({ id }), Buffer.concat(sections)));
    return (await peer.hears(DISPOSITION, 1)).text;
  };
  expect(await send(0, properties, annotations, dataMessage(1), delivery)).not.toContain('argument-error');
  expect(await send(1, properties, properties, dataMessage(1))).toContain('argument-error');
  const [message] = await testClient(broker).createReceiver('q').receiveMessages(1);
  expect(message).toMatchObject({ messageId: 'id', partitionKey: 'p' });
  expect(message?._rawAmqpMessage.deliveryAnnotations).toMatchObject({ last: 'word' });
});

// Proton names the sender and the receiver of an address alike, and gives credit without waiting for an answer.
test('a sender and a receiver may have one name, and credit may come along with the attach', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  await testClient(broker).createSender('q').sendMessages({ body: 1 });
  const peer = await authorized(broker);
  const stream: Buffer[] = [];
  peer.socket.on('data', (chunk: Buffer) => stream.push(chunk));
  peer.say(
    1,
    begin(),
    attach({ address: 'q', role: RECEIVER, handle: 0, name: 'one' }),
    flow(0, 1),
    attach({ address: 'q', role: SENDER, handle: 1, name: 'one' }),
  );
  await peer.hears(FLOW, 1);
  await peer.hears(TRANSFER, 1);
  const codes = codesOf(Buffer.concat(stream));
  expect(codes.filter((code) => code === ATTACH)).toHaveLength(2);
  expect(codes.indexOf(ATTACH)).toBeLessThan(codes.indexOf(TRANSFER));
  peer.say(1, detach(0), detach(1));
  for (let each = 0; each < 2; each += 1) await peer.hears(DETACH, 1);
  peer.say(1, attach({ address: 'q', role: SENDER, handle: 0, name: 'one' }));
  await peer.hears(ATTACH, 1);
});

// azservicebus for Rust, src/amqp/amqp_receiver.rs, lock_token_from_delivery
test('a message without a lock has a delivery tag as long as a lock token', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  await testClient(broker)
    .createSender('q')
    .sendMessages([{ body: 1 }, { body: 2 }]);
  const peer = await authorized(broker);
  await peer.begins(1);
  peer.say(1, attach({ address: 'q', role: RECEIVER, settled: true }), flow(0, 2));
  const tags = [await peer.hears(TRANSFER, 1), await peer.hears(TRANSFER, 1)].map(({ bytes }) => {
    const at = bytes.indexOf(Buffer.from([0xa0, 16]));
    return at < 0 ? undefined : bytes.toString('hex', at + 2, at + 18);
  });
  expect(new Set(tags).size).toBe(2);
  expect(tags).not.toContain(undefined);
});

function codesOf(stream: Buffer): number[] {
  const codes: number[] = [];
  for (let at = 0; at < stream.length; at += stream.readUInt32BE(at))
    codes.push(stream[at + 10] ?? NULL.length);
  return codes;
}
