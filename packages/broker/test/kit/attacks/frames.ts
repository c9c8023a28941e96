// Bytes that are no AMQP, or no AMQP that anybody should say.
import {
  array,
  compound,
  described,
  frame,
  list,
  map,
  NULL,
  saslFrame,
  string,
  symbol,
  uint,
  ushort,
} from '../amqp/encode.ts';
import * as amqp from '../amqp/performatives.ts';
import { RawPeer, type Target } from '../amqp/raw-peer.ts';
import { type Attack, again, inSession } from './attack.ts';

/** Nested lists, each announcing as many items as it likes. */
function nest(depth: number, count: number): Buffer {
  let value: Buffer = NULL;
  for (let level = 0; level < depth; level += 1) value = compound(0xd0, count, [value]);
  return value;
}

const many = (count: number, bytes: number[]) =>
  Buffer.concat(Array.from({ length: count }, () => Buffer.from(bytes)));

/** As the first thing after the header. */
const GREETINGS: Readonly<Record<string, Buffer>> = {
  'an empty frame header': many(9, [0]),
  'a giant frame': Buffer.from([0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0]),
  'a frame shorter than its header': Buffer.from([0, 0, 0, 4, 2, 0, 0, 0]),
  'a data offset behind the end': Buffer.from([0, 0, 0, 12, 200, 0, 0, 0, 0, 0x53, 0x10, 0x45]),
  'no data offset': Buffer.from([0, 0, 0, 12, 0, 0, 0, 0, 0, 0x53, 0x10, 0x45]),
  'an unknown frame type': Buffer.from([0, 0, 0, 12, 2, 9, 0, 0, 0, 0x53, 0x10, 0x45]),
  'a SASL frame without SASL': saslFrame(amqp.performative(amqp.SASL_INIT, { 0: symbol('ANONYMOUS') })),
  'an unknown performative': frame(0, described(0x99, list())),
  'a performative of another name': frame(0, described(symbol('constructor'), list())),
  'no descriptor': frame(0, list()),
  'nothing but descriptors': frame(0, Buffer.alloc(60_000)),
  'begin before open': frame(0, amqp.begin()),
  'open without its name': frame(0, amqp.performative(amqp.OPEN, { 1: string('x') })),
  'open as a map': frame(0, described(amqp.OPEN, map(string('x'), string('y')))),
  'open with a list for a name': frame(0, amqp.open({ 0: list(string('x')) })),
  'a frame size of 60': frame(0, amqp.open({ 2: uint(60) })),
  'an idle time-out of 1 ms': frame(0, amqp.open({ 4: uint(1) })),
  'an array of four billion nulls': frame(0, amqp.open({ 9: array(0xffff_ffff, 0x40) })),
  'an array of four billion lists': frame(0, amqp.open({ 9: array(0xffff_ffff, 0x45) })),
  'lists that announce millions': frame(0, amqp.open({ 9: nest(40, 30_000_000) })),
  'lists in lists': frame(0, amqp.open({ 9: nest(5000, 1) })),
  'a string longer than the frame': frame(0, amqp.open({ 0: Buffer.from([0xb1, 0x7f, 0xff, 0xff, 0xff]) })),
  'a map with half a pair': frame(0, amqp.open({ 9: compound(0xd1, 1, [string('x')]) })),
  'an open of 60 KB': frame(0, amqp.open({ 0: string('x'.repeat(60_000)) })),
};

/** In a session, on an open connection. */
const SAYINGS: Readonly<Record<string, readonly Buffer[]>> = {
  'a second open': [frame(0, amqp.open())],
  'a channel beyond the limit': [frame(60_000, amqp.begin())],
  'a session twice': [frame(1, amqp.begin())],
  'an answer to no session': [frame(2, amqp.begin({ 0: ushort(0) }))],
  'a channel without a session': [frame(7, amqp.flow(undefined))],
  'a handle beyond the limit': [frame(1, amqp.attach({ address: 'x', role: true, handle: 0xffff_ffff }))],
  'a handle twice': [0, 1].map((name) =>
    frame(1, amqp.attach({ address: 'x', role: true, handle: 3, name: `${name}` })),
  ),
  'a name twice': [3, 4].map((handle) =>
    frame(1, amqp.attach({ address: 'x', role: true, handle, name: 'same' })),
  ),
  'an address that is a number': [
    frame(1, amqp.attach({ address: 'x', role: false, target: amqp.performative(0x29, { 0: uint(1) }) })),
  ],
  'a target that nobody knows': [
    frame(1, amqp.attach({ address: 'x', role: false, target: described(0x99, list()) })),
  ],
  'a transfer without an id': [
    frame(1, amqp.attach({ address: '$cbs', role: false })),
    frame(1, amqp.performative(amqp.TRANSFER, { 0: uint(0) }), amqp.dataMessage(1)),
  ],
  'a transfer without a link': [frame(1, amqp.transfer({ id: 0 }), amqp.dataMessage(1))],
  'a flow without its windows': [frame(1, amqp.performative(amqp.FLOW, { 1: string('x') }))],
  'an outcome that is none': [frame(1, amqp.disposition(true, 0, 0, described(0x99, list())))],
  'an outcome that is no list': [frame(1, amqp.disposition(true, 0, 0, described(0x24, string('x'))))],
  'a SASL frame after SASL': [saslFrame(amqp.performative(amqp.SASL_INIT, { 0: symbol('ANONYMOUS') }))],
};

/** Every one of them, each on a connection of its own that the broker has to end. */
async function sayAll(target: Target): Promise<void> {
  for (const greeting of Object.values(GREETINGS)) {
    const peer = new RawPeer(target.port);
    peer.send(amqp.AMQP_HEADER, greeting);
    await peer.closed;
  }
  for (const saying of Object.values(SAYINGS)) {
    const peer = await inSession(target);
    peer.send(...saying);
    await peer.closed;
  }
}

export { GREETINGS, SAYINGS };

export const frames: readonly Attack[] = [
  {
    name: 'malformed frames',
    sizes: [1, 4],
    start: async (target, size) => again(size, () => sayAll(target)),
  },
];
