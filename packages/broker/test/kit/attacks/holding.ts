// Clients that make the broker keep things: halves of frames and messages, replies, deliveries, bytes that nobody reads.
import { connect } from 'node:net';
import { frame, int, long, map, string } from '../amqp/encode.ts';
import * as amqp from '../amqp/performatives.ts';
import { RawPeer, type Target } from '../amqp/raw-peer.ts';
import { ATTACKED_QUEUE, type Attack, fill, inSession, keep, linked } from './attack.ts';

const BIG_BYTES = 200_000;
const BIG_COUNT = 50;
const SMALL_COUNT = 3000;
const ALL_CREDIT = 0xffff_ffff;
const UNFINISHED_LINKS = 20;

/** Links to `$management` of a queue: replies on handle 0, requests on handle 1. */
export async function managing(target: Target, queue: string, credit: number): Promise<RawPeer> {
  const peer = await inSession(target);
  const address = `${queue}/$management`;
  peer.say(1, amqp.attach({ address, role: amqp.RECEIVER, handle: 0, name: 'replies' }));
  peer.say(1, amqp.attach({ address, role: amqp.SENDER, handle: 1, name: 'requests' }));
  await peer.hears(amqp.ATTACH, 'requests');
  await peer.hears(amqp.FLOW);
  if (credit > 0) peer.say(1, amqp.flow(0, credit));
  return peer;
}

export function peekRequest(id: number, count: number): Buffer {
  const request = amqp.requestMessage(
    `peek-${id}`,
    'replies',
    [['operation', string('com.microsoft:peek-message')]],
    map(string('from-sequence-number'), long(1n), string('message-count'), int(count)),
  );
  return frame(1, amqp.transfer({ handle: 1, id, settled: true }), request);
}

export const holding: readonly Attack[] = [
  {
    name: 'messages that never end',
    sizes: [4, 100],
    start: (target, size) =>
      keep(size, async () => {
        const peer = await inSession(target);
        for (let handle = 0; handle < UNFINISHED_LINKS; handle += 1) {
          peer.say(1, amqp.attach({ address: ATTACKED_QUEUE, role: amqp.SENDER, handle, name: `${handle}` }));
        }
        await peer.hears(amqp.ATTACH, `${UNFINISHED_LINKS - 1}`);
        // One session takes its deliveries in turn, links their fragments in any order.
        for (let handle = 0; handle < UNFINISHED_LINKS; handle += 1) {
          for (let part = 0; part < 3; part += 1) {
            const transfer = amqp.transfer({ handle, id: handle, more: true });
            peer.send(frame(1, transfer, amqp.dataMessage(60_000)));
          }
        }
        return peer;
      }),
  },
  {
    name: 'a message without end',
    sizes: [1, 4],
    start: (target, size) =>
      keep(size, async () => {
        const peer = await linked(target, amqp.SENDER);
        const more = () => {
          if (peer.socket.destroyed) return;
          peer.send(frame(1, amqp.transfer({ id: 0, more: true }), amqp.dataMessage(60_000)));
          setTimeout(more, 5);
        };
        more();
        return peer;
      }),
  },
  {
    name: 'halves of frames',
    sizes: [20, 1000],
    start: (target, size) =>
      keep(size, async () => {
        const peer = await RawPeer.opened(target);
        const whole = frame(0, amqp.transfer({ id: 0 }), amqp.dataMessage(65_000));
        peer.send(whole.subarray(0, 60_000));
        return peer;
      }),
  },
  {
    name: 'receivers that do not read',
    sizes: [4, 100],
    start: async (target, size) => {
      await fill(target, BIG_COUNT, BIG_BYTES);
      return keep(size, async () => {
        const peer = await linked(target, amqp.RECEIVER);
        peer.socket.pause();
        peer.say(1, amqp.flow(0, ALL_CREDIT));
        return peer;
      });
    },
  },
  {
    name: 'replies that nobody reads',
    sizes: [4, 100],
    start: async (target, size) => {
      await fill(target, BIG_COUNT, BIG_BYTES);
      return keep(size, async () => {
        const peer = await managing(target, ATTACKED_QUEUE, ALL_CREDIT);
        peer.socket.pause();
        for (let id = 0; id < 100; id += 1) peer.send(peekRequest(id, 250));
        return peer;
      });
    },
  },
  {
    name: 'replies without credit',
    sizes: [4, 100],
    start: async (target, size) => {
      await fill(target, BIG_COUNT, BIG_BYTES);
      return keep(size, async () => {
        const peer = await managing(target, ATTACKED_QUEUE, 0);
        for (let id = 0; id < 100; id += 1) peer.send(peekRequest(id, 250));
        return peer;
      });
    },
  },
  {
    name: 'receivers that never settle',
    sizes: [4, 50],
    start: async (target, size) => {
      await fill(target, SMALL_COUNT * Math.ceil(size / 10), 100);
      return keep(size, async () => {
        const peer = await linked(target, amqp.RECEIVER);
        peer.say(1, amqp.flow(0, ALL_CREDIT));
        return peer;
      });
    },
  },
  {
    name: 'receivers without credit, and senders that do not send',
    sizes: [10, 500],
    start: (target, size) => keep(size, (index) => linked(target, index % 2 ? amqp.RECEIVER : amqp.SENDER)),
  },
  {
    name: 'large frames of a web socket, in part',
    sizes: [4, 200],
    start: async (target, size) => {
      const sockets = Array.from({ length: size }, () => {
        const socket = connect(target.port, '127.0.0.1');
        socket.on('error', () => {});
        socket.write(
          'GET /$servicebus/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
            'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n' +
            'Sec-WebSocket-Protocol: AMQPWSB10\r\n\r\n',
        );
        // A masked binary frame of 3 MB, of which two come.
        socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x30, 0, 0, 1, 2, 3, 4]));
        socket.write(Buffer.alloc(2 * 1024 * 1024));
        return socket;
      });
      return () => {
        for (const socket of sockets) socket.destroy();
      };
    },
  },
  {
    name: 'names and properties as long as they may be',
    sizes: [10, 1000],
    start: (target, size) =>
      keep(1, async () => {
        const peer = await inSession(target);
        const properties = map(...Array.from({ length: 200 }, (_, at) => string(`${at}`.repeat(8))));
        for (let handle = 0; handle < size; handle += 1) {
          const name = `${handle}-${'n'.repeat(10_000)}`;
          peer.say(
            1,
            amqp.attach({ address: ATTACKED_QUEUE, role: amqp.RECEIVER, handle, name, properties }),
          );
        }
        await peer.hears(amqp.ATTACH, `${size - 1}-n`);
        peer.heard.length = 0;
        return peer;
      }),
  },
];
