// Clients that begin to speak and do not go on, byte by byte or not at all.
import { frame, saslFrame, symbol } from '../amqp/encode.ts';
import * as amqp from '../amqp/performatives.ts';
import { RawPeer } from '../amqp/raw-peer.ts';
import { type Attack, again, keep } from './attack.ts';

const text = (value: string) => Buffer.from(value, 'latin1');
const SASL = Buffer.concat([
  amqp.SASL_HEADER,
  saslFrame(amqp.performative(amqp.SASL_INIT, { 0: symbol('ANONYMOUS') })),
]);
/** A TLS record that announces a hello of 16 KB. */
const HELLO = Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3]);
const OPEN = frame(0, amqp.open());

/** What they say before they fall silent. */
const BEGINNINGS: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'half a greeting': amqp.AMQP_HEADER.subarray(0, 3),
  'a greeting': amqp.AMQP_HEADER,
  'half of SASL': SASL.subarray(0, 20),
  'a SASL handshake': SASL,
  'half an open': Buffer.concat([amqp.AMQP_HEADER, OPEN.subarray(0, 12)]),
  'half a TLS hello': HELLO,
  'half an HTTP head': text('GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: '),
  'half an HTTP body': text('PUT /q HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n<'),
  'half an upgrade': text('GET /$servicebus/websocket HTTP/1.1\r\nUpgrade: websocket\r\n'),
};

const DRIBBLE_MS = 50;

/** A byte now and then, so that no socket looks idle. */
function dribble(peer: RawPeer, bytes: Buffer): void {
  let at = 0;
  const timer = setInterval(() => {
    peer.send(bytes.subarray(at, at + 1));
    at += 1;
    if (at === bytes.length) clearInterval(timer);
  }, DRIBBLE_MS);
  void peer.closed.then(() => clearInterval(timer));
}

export const handshakes: readonly Attack[] = [
  {
    name: 'handshakes that stop',
    sizes: [20, 500],
    start: (target, size) => {
      const beginnings = Object.values(BEGINNINGS);
      return keep(size, async (index) => {
        const peer = new RawPeer(target.port);
        peer.send(beginnings[index % beginnings.length] ?? OPEN);
        return peer;
      });
    },
  },
  {
    name: 'handshakes byte by byte',
    sizes: [20, 200],
    start: (target, size) =>
      keep(size, async (index) => {
        const peer = new RawPeer(target.port);
        dribble(peer, Buffer.concat([index % 2 ? SASL : amqp.AMQP_HEADER, OPEN]));
        return peer;
      }),
  },
  {
    name: 'connections that come and go',
    sizes: [4, 20],
    start: async (target, size) =>
      again(size, async () => {
        const peer = new RawPeer(target.port);
        peer.send(amqp.AMQP_HEADER, OPEN);
        await Promise.race([peer.hears(amqp.OPEN).catch(() => {}), peer.closed]);
        peer.hangUp();
        await peer.closed;
      }),
  },
];
