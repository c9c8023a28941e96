import rhea, { type Receiver, type Session } from 'rhea';
import { expect, onTestFinished, test } from 'vitest';
import type { Broker } from '../../src/index.ts';
import * as encode from '../kit/amqp/encode.ts';
import { attach, DISPOSITION, FLOW, SENDER, transfer } from '../kit/amqp/performatives.ts';
import { RawPeer } from '../kit/amqp/raw-peer.ts';
import { AMQP_VALUES, pairBytes } from './amqp-values.ts';
import { queues, testBroker } from './kit.ts';
import { bytesOf, rawClient, sasToken } from './raw-client.ts';

// What a sender encodes is what a receiver gets: the encoding is AMQP 1.0's (docs.oasis-open.org/amqp/core/v1.0, parts 1.6 and
// 3.2); every type of body: learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-protocol-guide; header, footer and
// annotations: github.com/Azure/azure-sdk-for-js, sdk/servicebus/service-bus/test/public/amqpAnnotatedMessage.spec.ts

const hex = (text: string) => Buffer.from(text, 'hex');
const section = (code: number, value: Buffer) => Buffer.concat([Buffer.from([0, 0x53, code]), value]);
const NOTHING = Buffer.from([0x40]);

const EVERY_PAIR = Object.entries(AMQP_VALUES).map(([name, value]) => pairBytes(name, value));
/** A map of every type of value, and a value nested in lists, maps and arrays. */
const NESTED = Buffer.concat([
  pairBytes(
    'list',
    encode.list(hex('5403'), encode.list(), encode.map(hex('a10161'), hex('40'))).toString('hex'),
  ),
  pairBytes('array', 'f00000000d00000002700000000100000002'),
  pairBytes('map', encode.map(hex('a10161'), encode.map(hex('a10162'), hex('41'))).toString('hex')),
]);
const COUNT = EVERY_PAIR.length * 2 + 6;

function mapOf(pairs: Buffer, count: number): Buffer {
  const head = Buffer.alloc(9, 0xd1);
  head.writeUInt32BE(pairs.length + 4, 1);
  head.writeUInt32BE(count, 5);
  return Buffer.concat([head, pairs]);
}

const EVERYTHING = mapOf(Buffer.concat([...EVERY_PAIR, NESTED]), COUNT);
const PROPERTIES = encode.list(
  encode.string('id'),
  hex('a003000102'),
  encode.string('to'),
  encode.string('subject'),
  encode.string('reply-to'),
  hex('9800112233445566778899aabbccddeeff'),
  encode.symbol('application/x'),
  encode.symbol('gzip'),
  NOTHING,
  hex('8300000181cd4cdc00'),
  encode.string('session'),
  hex('7000000007'),
  encode.string('reply-session'),
);

const BODIES: Record<string, Buffer> = {
  'a data section': section(0x75, encode.binary(Buffer.from([0, 255, 1]))),
  'three data sections': Buffer.concat(
    ['one', '', 'three'].map((text) => section(0x75, encode.binary(Buffer.from(text)))),
  ),
  'a small data section': section(0x75, hex('a003010203')),
  'a sequence': section(0x76, encode.list(hex('5403'), encode.string('x'), encode.list())),
  'two sequences': Buffer.concat([section(0x76, hex('45')), section(0x76, encode.list(hex('41')))]),
  'a map of every type': section(0x77, EVERYTHING),
  'a null': section(0x77, NOTHING),
  'a described value': section(
    0x77,
    encode.described(encode.symbol('example:point'), encode.list(hex('5401'), hex('5402'))),
  ),
  'a value under the name of its section': Buffer.concat([
    hex('00'),
    encode.symbol('amqp:amqp-value:*'),
    hex('a10178'),
  ]),
};

/** A receiver and the bytes of what it gets. */
async function receiving(broker: Broker, options: object = {}): Promise<() => Promise<Buffer>> {
  const container = rhea.create_container();
  container.on('error', () => {});
  const connection = container.connect({
    port: broker.port,
    host: '127.0.0.1',
    username: 'raw',
    reconnect: false,
    ...options,
  });
  onTestFinished(() => connection.close());
  await new Promise((resolve) => connection.once('connection_open', resolve));
  const session: Session = connection.create_session();
  session.begin();
  const latest = bytesOf(session);
  const cbs = connection.open_sender('$cbs');
  await new Promise((resolve) => cbs.once('sendable', resolve));
  const audience = `sb://127.0.0.1:${broker.port}/`;
  const asked = { operation: 'put-token', name: audience, type: 'servicebus.windows.net:sastoken' };
  const put = new Promise((resolve) => cbs.once('accepted', resolve));
  cbs.send({
    message_id: '1',
    reply_to: 'nobody',
    application_properties: asked,
    body: sasToken(broker, audience),
  });
  await put;
  const receiver: Receiver = session.open_receiver({ source: 'q', credit_window: 0 });
  return async () => {
    const got = new Promise((resolve) => receiver.once('message', resolve));
    receiver.add_credit(1);
    await got;
    return latest();
  };
}

async function sent(broker: Broker, message: Buffer): Promise<void> {
  const { connection } = await rawClient(broker);
  const sender = connection.open_sender('q');
  await new Promise((resolve) => sender.once('sendable', resolve));
  const told = new Promise((resolve, reject) => {
    sender.once('accepted', resolve);
    sender.once('rejected', ({ delivery }) => reject(new Error(JSON.stringify(delivery?.remote_state))));
  });
  sender.send(message, undefined, 0);
  await told;
}

test.each(Object.entries(BODIES))(
  '%s comes back byte for byte, with properties, annotations and footer',
  async (_, body) => {
    const broker = await testBroker(queues({ name: 'q' }));
    const tail = Buffer.concat([
      section(0x73, PROPERTIES),
      section(0x74, EVERYTHING),
      body,
      section(0x78, EVERYTHING),
    ]);
    await sent(broker, Buffer.concat([section(0x72, EVERYTHING), tail]));
    const got = await (await receiving(broker))();
    expect(got.subarray(-tail.length).equals(tail)).toBe(true);
    const annotations = got.subarray(0, -tail.length);
    expect(annotations.includes(Buffer.concat([...EVERY_PAIR, NESTED]))).toBe(true);
  },
);

test('a header keeps what its sender said of it', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const header = section(
    0x70,
    encode.list(hex('42'), hex('5009'), hex('70000003e8'), hex('41'), hex('7000000005')),
  );
  const body = section(0x75, encode.binary(Buffer.from('x')));
  await sent(broker, Buffer.concat([header, section(0x73, encode.list(encode.string('id'))), body]));
  const got = rhea.message.decode(await (await receiving(broker))());
  // The count of deliveries is the broker's.
  expect(got).toMatchObject({
    durable: false,
    priority: 9,
    ttl: 1000,
    first_acquirer: true,
    delivery_count: 0,
  });
});

test('annotations with numbers for keys stay, also where one is the broker’s to say', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const numbered = Buffer.concat([hex('8000000000000000ff'), hex('a10178')]);
  const claimed = Buffer.concat([encode.symbol('x-opt-sequence-number'), hex('810000000000000099')]);
  const annotations = section(0x72, mapOf(Buffer.concat([claimed, numbered]), 4));
  await sent(broker, Buffer.concat([annotations, section(0x75, hex('a000'))]));
  const got = await (await receiving(broker))();
  expect(got.includes(numbered)).toBe(true);
  expect(rhea.message.decode(got).message_annotations).toMatchObject({ 'x-opt-sequence-number': 1 });
});

test('a message of hundreds of frames goes both ways', async () => {
  const broker = await testBroker(queues({ name: 'q' }));
  const body = section(
    0x75,
    encode.binary(Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 31) % 256))),
  );
  const message = Buffer.concat([section(0x73, encode.list(encode.string('id'))), body]);
  const peer = await RawPeer.opened(broker);
  await peer.begins(1);
  peer.say(1, attach({ address: 'q', role: SENDER }));
  await peer.hears(FLOW, 1);
  const PIECE = 400;
  for (let at = 0; at < message.length; at += PIECE) {
    const more = at + PIECE < message.length;
    peer.send(encode.frame(1, transfer({ id: 0, more }), message.subarray(at, at + PIECE)));
  }
  await peer.hears(DISPOSITION, 1);
  peer.hangUp();
  const got = await (await receiving(broker, { max_frame_size: 512 }))();
  expect(got.subarray(-message.length).equals(message)).toBe(true);
});
