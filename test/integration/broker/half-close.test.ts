import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Broker, createBroker } from '../../../src/broker/index.ts';
import { described, frame, list, long, map, NULL, string, symbol } from '../../kit/amqp/encode.ts';
import { fieldsOf } from '../../kit/amqp/fields.ts';
import {
  AMQP_HEADER,
  accepted,
  attach,
  BEGIN,
  begin,
  CLOSE,
  close,
  DETACH,
  DISPOSITION,
  dataMessage,
  disposition,
  END,
  end,
  FLOW,
  flow,
  OPEN,
  open,
  RECEIVER,
  requestMessage,
  SENDER,
  source,
  TRANSFER,
  transfer,
} from '../../kit/amqp/performatives.ts';
import { type Heard, RawPeer, sasToken, type Target } from '../../kit/amqp/raw-peer.ts';
import { queues, testClient } from './kit.ts';

// A client may close its half of a connection behind its last word and go on reading (RFC 9293, 3.6): what it said before is
// served, and what there is to answer is answered before the broker closes the other half.

let broker: Broker;
beforeAll(async () => {
  const topology = {
    queues: ['q', 'full', 'taken', 'kept']
      .map((name) => ({ name }))
      .concat({ name: 's', requiresSession: true } as never),
    topics: [],
  };
  broker = await createBroker({ data: { memory: true }, port: 0, topology });
  return () => broker.stop();
});

/** Everything from the greeting on, with a token put on `$cbs`, in one piece. */
function greeting({ port, connectionString }: Target = broker): Buffer[] {
  const audience = `sb://127.0.0.1:${port}/`;
  const token = requestMessage(
    'token',
    'cbs-in',
    [
      ['operation', string('put-token')],
      ['type', string('servicebus.windows.net:sastoken')],
      ['name', string(audience)],
    ],
    string(sasToken(connectionString, audience)),
  );
  return [
    AMQP_HEADER,
    frame(0, open()),
    frame(0, begin()),
    frame(0, attach({ address: '$cbs', role: RECEIVER, handle: 0, name: 'cbs-in' })),
    frame(0, attach({ address: '$cbs', role: SENDER, handle: 1, name: 'cbs-out' })),
    frame(0, flow(0, 10)),
    frame(0, transfer({ handle: 1, id: 0, settled: true }), token),
    frame(1, begin()),
  ];
}

const says = (...performatives: Buffer[]) => performatives.map((each) => frame(1, each));
const sends = (address: string, settled: boolean) => [
  ...says(attach({ address, role: SENDER })),
  frame(1, transfer({ id: 0, settled }), dataMessage(10)),
];
const asks = (operation: string, body: Buffer) => [
  ...says(
    attach({ address: 'full/$management', role: RECEIVER, handle: 0, name: 'in' }),
    attach({ address: 'full/$management', role: SENDER, handle: 1, name: 'out' }),
    flow(0, 10),
  ),
  frame(
    1,
    transfer({ handle: 1, id: 0, settled: true }),
    requestMessage('asked', 'in', [['operation', string(`com.microsoft:${operation}`)]], body),
  ),
];
const peeked = map(
  string('from-sequence-number'),
  long(1n),
  string('message-count'),
  Buffer.from([0x71, 0, 0, 0, 1]),
);
const waiting = attach({
  address: 's',
  role: RECEIVER,
  name: 's',
  source: source(
    's',
    map(symbol('com.microsoft:session-filter'), described(symbol('com.microsoft:session-filter'), NULL)),
  ),
});

const heard = (all: Heard[], code: number, channel = 1) =>
  all.filter((each) => each.code === code && each.channel === channel);
const count = (dispositions: Heard[]) =>
  dispositions.reduce((sum, each) => sum + Number(fieldsOf(each)[2]) - Number(fieldsOf(each)[1]) + 1, 0);
const outcome = (all: Heard[]) =>
  heard(all, DISPOSITION).map(({ bytes }) => bytes.includes(accepted.subarray(0, 3)));

/** The last words, and what was heard to them. */
const words: [what: string, said: () => Buffer[], was: (all: Heard[]) => unknown, expected: unknown][] = [
  ['a session', () => [], (all) => heard(all, BEGIN), [{}]],
  [
    'a token',
    () => [],
    (all) => heard(all, TRANSFER, 0).map(({ text }) => text.includes('Accepted')),
    [true],
  ],
  ['a message', () => sends('q', false), outcome, [true]],
  [
    'several messages',
    () =>
      [0, 1, 2].flatMap((id) => [
        ...(id ? [] : says(attach({ address: 'q', role: SENDER }))),
        frame(1, transfer({ id }), dataMessage(10)),
      ]),
    (all) => count(heard(all, DISPOSITION)),
    3,
  ],
  [
    'a message to nowhere',
    () => sends('missing', false),
    (all) => heard(all, DETACH).map(({ text }) => text.includes('amqp:not-found')),
    [true],
  ],
  [
    'a request that reads',
    () => asks('peek-message', peeked),
    (all) => heard(all, TRANSFER).map(({ text }) => text.includes('statusCode')),
    [true],
  ],
  [
    'a receiver',
    () => says(attach({ address: 'full', role: RECEIVER }), flow(0, 1)),
    (all) => heard(all, TRANSFER),
    [{}],
  ],
  [
    'a receiver that takes',
    () => says(attach({ address: 'full', role: RECEIVER, settled: true }), flow(0, 1)),
    (all) => heard(all, TRANSFER),
    [{}],
  ],
  ['one that waits for what does not come', () => says(waiting), (all) => heard(all, BEGIN), [{}]],
  ['half a frame', () => [...sends('q', false), frame(1, end()).subarray(0, 6)], outcome, [true]],
  [
    'half a message',
    () => [
      ...says(attach({ address: 'q', role: SENDER })),
      frame(1, transfer({ id: 0, more: true }), dataMessage(10)),
    ],
    (all) => heard(all, FLOW),
    [{}],
  ],
  [
    'a goodbye to the link',
    () => [...sends('q', false), ...says(detach0())],
    (all) => heard(all, DETACH),
    [{}],
  ],
  ['a goodbye to the session', () => [...sends('q', false), ...says(end())], (all) => heard(all, END), [{}]],
  ['a goodbye', () => [...sends('q', false), frame(0, close())], (all) => heard(all, CLOSE, 0), [{}]],
  ['what is no AMQP', () => [Buffer.alloc(40, 0xff)], (all) => heard(all, CLOSE, 0), [{}]],
];

function detach0(): Buffer {
  return described(0x16, list(Buffer.from([0x43])));
}

describe('a client hangs up behind its last word and reads on', () => {
  test.each(words)('%s', async (_, said, was, expected) => {
    await testClient(broker).createSender('full').sendMessages({ body: 'full' });
    const peer = new RawPeer(broker.port);
    onTestFinished(() => peer.hangUp());
    peer.socket.end(Buffer.concat([...greeting(), ...said()]));
    await peer.closed;
    expect(heard(peer.heard, OPEN, 0)).toHaveLength(1);
    const result = was(peer.heard);
    if (Array.isArray(expected)) expect(result).toMatchObject(expected);
    else expect(result).toBe(expected);
  });

  test('the outcome of a message, after which it is gone, and a message that nobody is told of', async () => {
    await testClient(broker).createSender('kept').sendMessages({ body: 1 });
    const peer = await RawPeer.opened(broker);
    onTestFinished(() => peer.hangUp());
    await peer.begins(1);
    peer.say(1, attach({ address: 'kept', role: RECEIVER }), flow(0, 1));
    await peer.hears(TRANSFER, 1);
    peer.socket.end(
      Buffer.concat([
        ...says(disposition(RECEIVER, 0, 0, accepted), attach({ address: 'kept', role: SENDER, handle: 1 })),
        frame(1, transfer({ handle: 1, id: 0, settled: true }), dataMessage(20)),
      ]),
    );
    await peer.closed;
    expect(outcome(peer.heard)).toEqual([true]);
    const kept = (await broker.status()).find(({ name }) => name === 'kept');
    expect(kept?.active).toBe(1);
  });

  test('in TLS', async () => {
    const secure = await createBroker({
      data: { memory: true },
      port: 0,
      topology: queues({ name: 'q' }).topology,
      tls: true,
    });
    onTestFinished(() => secure.stop());
    const socket = connect({ port: secure.port, host: 'localhost', ca: readFileSync(secure.caFile ?? '') });
    const said: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => said.push(chunk));
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    socket.end(Buffer.concat([...greeting(secure), ...sends('q', false)]));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(Buffer.concat(said).includes(accepted.subarray(0, 3))).toBe(true);
  });

  test('many pieces of which the last waits for its turn', async () => {
    const peer = new RawPeer(broker.port);
    onTestFinished(() => peer.hangUp());
    const many = Array.from({ length: 900 }, (_, id) => frame(1, transfer({ id }), dataMessage(1000)));
    peer.socket.end(
      Buffer.concat([...greeting(), ...says(attach({ address: 'kept', role: SENDER })), ...many]),
    );
    await peer.closed;
    expect(count(heard(peer.heard, DISPOSITION))).toBe(900);
  });
});
