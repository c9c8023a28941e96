import * as fc from 'fast-check';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Broker, createBroker } from '../../src/index.ts';
import {
  binary,
  described,
  frame,
  map,
  NULL,
  saslFrame,
  symbol,
  TRUE,
  uint,
  ushort,
} from '../kit/amqp/encode.ts';
import { deliveryIdOf, fieldsOf } from '../kit/amqp/fields.ts';
import {
  AMQP_HEADER,
  ATTACH,
  accepted,
  attach,
  BEGIN,
  begin,
  CLOSE,
  close,
  DETACH,
  DISPOSITION,
  dataMessage,
  detach,
  disposition,
  END,
  end,
  FLOW,
  flow,
  OPEN,
  open,
  performative,
  RECEIVER,
  SASL_HEADER,
  SASL_INIT,
  SASL_OUTCOME,
  SENDER,
  source,
  TRANSFER,
  transfer,
} from '../kit/amqp/performatives.ts';
import { type Heard, RawPeer } from '../kit/amqp/raw-peer.ts';

// AMQP 1.0, part 2, 2.4.1 (channel-max), 2.7.2 (handle-max) and 2.6.6: a client may say that it has room for one session with
// one link, and a number is free for the next as soon as both sides have said goodbye. Whatever it says in one breath, its
// numbers are kept.

const NEXT_SESSION = symbol('com.microsoft:session-filter');

let broker: Broker;
beforeAll(async () => {
  const topology = {
    queues: [{ name: 'q' }, { name: 'other' }, { name: 's', requiresSession: true }],
    topics: [],
  };
  broker = await createBroker({ data: { memory: true }, port: 0, topology });
  return () => broker.stop();
});

/** A client of one channel and one handle; its key needs no link of its own. */
class NarrowPeer extends RawPeer {
  /** In order. */
  readonly all: Heard[] = [];

  constructor() {
    super(broker.port);
    let rest: Buffer = Buffer.alloc(0);
    this.socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const greeting = rest.toString('latin1', 0, 4) === 'AMQP';
        const size = rest.length < 8 ? Number.POSITIVE_INFINITY : greeting ? 8 : rest.readUInt32BE();
        if (rest.length < size) return;
        const bytes = rest.subarray(0, size);
        rest = rest.subarray(size);
        if (greeting || bytes[5] !== 0) continue;
        const code = size > 8 ? (bytes[10] ?? -1) : -1;
        this.all.push({ channel: bytes.readUInt16BE(6), code, bytes, text: bytes.toString('latin1') });
      }
    });
  }

  static async narrow(
    beginFields: Record<number, Buffer> = {},
    openFields: Record<number, Buffer> = {},
  ): Promise<NarrowPeer> {
    const peer = new NarrowPeer();
    onTestFinished(() => peer.hangUp());
    const [, name = '', key = ''] =
      /SharedAccessKeyName=([^;]+);SharedAccessKey=([^;]+)/.exec(broker.connectionString) ?? [];
    const response = { 0: symbol('PLAIN'), 1: binary(Buffer.from(`\0${name}\0${key}`)) };
    peer.send(SASL_HEADER, saslFrame(performative(SASL_INIT, response)));
    await peer.hears(SASL_OUTCOME);
    peer.send(AMQP_HEADER, frame(0, open({ 3: ushort(0), ...openFields })), frame(0, begins(beginFields)));
    await peer.hears(OPEN);
    await peer.hears(BEGIN);
    return peer;
  }

  /** What no client of this kind could take. */
  get faults(): string[] {
    const faults: string[] = [];
    let begun = false;
    let attached = false;
    for (const heard of this.all.filter(({ code }) => code > OPEN)) {
      const { code, channel } = heard;
      const fields = code === TRANSFER ? [] : fieldsOf(heard);
      const handle = { [ATTACH]: 1, [FLOW]: 4, [DETACH]: 0 }[code];
      const used = handle === undefined ? undefined : fields[handle];
      const is = (wrong: boolean, what: string) => wrong && faults.push(`0x${code.toString(16)}: ${what}`);
      is(channel !== 0, `channel ${channel}`);
      is(typeof used === 'number' && used !== 0, `handle ${String(used)}`);
      is((code === BEGIN) === begun && code !== CLOSE, begun ? 'begun already' : 'no session');
      is(code === ATTACH && attached, 'attached already');
      is(code !== ATTACH && (code === TRANSFER || typeof used === 'number') && !attached, 'no link');
      if (code === BEGIN || code === END) begun = code === BEGIN;
      if (code === ATTACH) attached = true;
      if (code === DETACH || code === END) attached = false;
    }
    return faults;
  }
}

const begins = (fields: Record<number, Buffer> = {}) => begin({ 4: uint(0), ...fields });
const to = (address: string, name = address) => attach({ address, role: SENDER, name });
const from = (address: string, name = address) => attach({ address, role: RECEIVER, name });
const anySession = attach({
  address: 's',
  role: RECEIVER,
  name: 's',
  source: source('s', map(NEXT_SESSION, described(NEXT_SESSION, NULL))),
});
/** The client keeps the link's state and only takes it from its handle. */
const away = performative(DETACH, { 0: uint(0) });
const gone = detach(0);
const echo = flow(undefined, 0, { 9: TRUE });

/** What is said in one breath, after each other; the last link is a sender 'last' and is served. */
const breaths: [what: string, ...said: Buffer[][]][] = [
  ['a link after another', [to('q', 'a'), gone, to('q', 'last')]],
  ['a link after one that was in use', [to('q', 'a')], [gone, to('q', 'last')]],
  ['a receiver before it', [from('other', 'a'), flow(0, 10)], [gone, to('q', 'last')]],
  ['the link of a moment ago', [to('q', 'last'), gone, to('q', 'last')]],
  ['a link that was only laid aside', [to('q', 'last'), away, to('q', 'last')]],
  ['many links', ['a', 'b', 'c', 'd'].flatMap((name) => [to('q', name), gone]), [to('q', 'last')]],
  ['a link after one that was refused', [to('missing', 'a')], [gone, to('q', 'last')]],
  ['a link after one that is about to be refused', [to('missing', 'a'), gone, to('q', 'last')]],
  ['receivers that are refused', [from('missing', 'a'), gone, from('s', 'b'), gone, to('q', 'last')]],
  ['a link after one that waits for a session', [anySession, gone, to('q', 'last')]],
  ['a link after one that has waited for a session', [anySession], [gone, to('q', 'last')]],
  ['a session after another', [end(), begins(), to('q', 'last')]],
  ['sessions', [end(), begins(), end(), begins(), end(), begins(), to('q', 'last')]],
  ['a session after one with a link', [to('q', 'a'), end(), begins(), to('q', 'last')]],
  [
    'a session after one whose link was in use',
    [from('q', 'a'), flow(0, 1)],
    [end(), begins(), to('q', 'last')],
  ],
  ['a session after one that waits for a session', [anySession, end(), begins(), to('q', 'last')]],
  ['a session after a refusal', [to('missing', 'a')], [end(), begins(), to('q', 'last')]],
  ['a question about a session that has only begun', [end(), begins(), echo, to('q', 'last')]],
  ['goodbyes that come twice', [to('q', 'a'), gone, gone, end(), end(), begins(), to('q', 'last')]],
];

describe('a client of one channel and one handle says in one breath', () => {
  test.each(breaths)('%s', async (_, ...said) => {
    const peer = await NarrowPeer.narrow();
    for (const [at, breath] of said.entries()) {
      peer.say(0, ...breath);
      // The next breath comes when this one has been heard.
      if (at < said.length - 1) await heardAll(peer);
    }
    await peer.hears(ATTACH, 'last');
    await sends(peer);
    expect(peer.faults).toEqual([]);
    const asked = said.flat();
    for (const code of [ATTACH, BEGIN]) {
      const count = asked.filter((bytes) => bytes[2] === code).length + (code === BEGIN ? 1 : 0);
      expect(peer.all.filter((heard) => heard.code === code)).toHaveLength(count);
    }
  });
});

/** What was said so far has been answered: the answer to an echo comes behind it. */
async function heardAll(peer: NarrowPeer): Promise<void> {
  peer.heard.length = 0;
  peer.say(0, echo);
  await peer.hears(FLOW, 0);
  await new Promise((resolve) => setImmediate(resolve));
}

async function sends(peer: NarrowPeer): Promise<void> {
  peer.heard.length = 0;
  peer.send(frame(0, transfer({ id: 7 }), dataMessage(10)));
  const answer = await peer.hears(DISPOSITION, 0);
  expect(fieldsOf(answer)[1]).toBe(7);
  expect(answer.bytes.includes(Buffer.from([0, 0x53, 0x24]))).toBe(true);
}

test.each([
  ['messages', 10],
  ['the rest of a message', 2000],
])('%s that a link still had to get do not come over the next one of its handle', async (_, bytes) => {
  const filler = await NarrowPeer.narrow();
  const full = `full-${bytes}`;
  await broker.declare({ queues: [{ name: full }], topics: [] });
  filler.say(0, to(full));
  await filler.hears(ATTACH);
  for (let id = 0; id < 4; id += 1) {
    filler.send(frame(0, transfer({ id }), dataMessage(bytes)));
    await filler.hears(DISPOSITION);
  }
  filler.say(0, gone, to('other'));
  await filler.hears(ATTACH, 'other');
  filler.send(frame(0, transfer({ id: 4 }), dataMessage(99)));
  await filler.hears(DISPOSITION);

  const peer = await NarrowPeer.narrow({ 2: uint(1) }, { 2: uint(512) });
  peer.say(0, from(full), flow(0, 10, { 1: uint(1) }));
  expect(deliveryIdOf(await peer.hears(TRANSFER))).toBe(0);
  peer.say(0, gone, from('other'), flow(0, 10, { 0: uint(1), 1: uint(100) }));
  const next = await peer.hears(TRANSFER);
  expect(deliveryIdOf(next)).toBe(1);
  expect(next.bytes.indexOf(dataMessage(99))).toBeGreaterThan(0);
  peer.send(frame(0, disposition(RECEIVER, 1, 1, accepted)));
  await peer.hears(DISPOSITION);
  await heardAll(peer);
  expect(peer.all.filter(({ code }) => code === TRANSFER)).toHaveLength(2);
  expect(peer.faults).toEqual([]);
});

test('what a session has not been told is not told to the next one of its channel', async () => {
  const peer = await NarrowPeer.narrow();
  const many = Array.from({ length: 900 }, (_, id) => frame(0, transfer({ id }), dataMessage(10)));
  peer.say(0, to('q'));
  await peer.hears(FLOW);
  peer.send(...many, frame(0, end()), frame(0, begins()), frame(0, to('q', 'last')));
  await peer.hears(ATTACH, 'last');
  await sends(peer);
  const begun = peer.all.findLastIndex(({ code }) => code === BEGIN);
  expect(peer.all.slice(begun).filter(({ code }) => code === DISPOSITION)).toHaveLength(1);
  expect(peer.faults).toEqual([]);
});

test('whatever it does in whatever pieces, its numbers are kept and it is served', async () => {
  const ends = fc.constantFrom([end(), begins()]);
  const links = fc
    .constantFrom(
      to('q', 'a'),
      to('q', 'b'),
      from('other', 'a'),
      from('other', 'c'),
      to('missing'),
      from('s'),
      anySession,
    )
    .chain((link) =>
      fc.constantFrom(
        [link, gone],
        [link, flow(0, 5), gone],
        [link, away],
        [link, end(), begins()],
        [link, gone, echo],
      ),
    );
  const steps = fc.array(
    fc.tuple(fc.oneof({ weight: 5, arbitrary: links }, { weight: 1, arbitrary: ends }), fc.boolean()),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (said) => {
      const peer = await NarrowPeer.narrow();
      for (const [step, pause] of said) {
        peer.say(0, ...step);
        if (pause) await heardAll(peer);
      }
      peer.say(0, to('q', 'last'));
      await peer.hears(ATTACH, 'last');
      await sends(peer);
      expect(peer.faults).toEqual([]);
      peer.say(0, close());
      await peer.hears(CLOSE);
      peer.hangUp();
    }),
    { numRuns: 60 },
  );
});
