import { createRequire } from 'node:module';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { Output } from '../../../src/amqp/passes.ts';

interface Frames {
  open(fields: object): unknown;
  transfer(fields: object): unknown;
  disposition(fields: object): unknown;
  amqp_frame(channel: number, performative?: unknown, payload?: Buffer): object;
  write_frame(frame: object): Buffer;
}
interface Transport {
  encode(frame: object): void;
  write(socket: PassThrough): void;
  has_writes_pending(): boolean;
}

const require = createRequire(import.meta.url);
const frames = require('rhea/lib/frames.js') as Frames;
const RheaTransport = require('rhea/lib/transport.js') as new (
  id: string,
  protocol: number,
  type: number,
  handler: object,
) => Transport;

const HEADER = Buffer.from('AMQP\0\x01\0\0', 'latin1');

function connectionOn(socket: PassThrough) {
  const transport = new RheaTransport('test', 0, 0, {});
  return { amqp_transport: transport, transport, output: () => transport.write(socket) };
}

/** Small ones, one that outgrows the room for a head, one without a performative, one of a whole frame. */
function samples(): object[] {
  const tag = Buffer.alloc(16, 7);
  return [
    frames.amqp_frame(0, frames.open({ container_id: 'x'.repeat(1000), hostname: 'localhost' })),
    frames.amqp_frame(
      3,
      frames.transfer({ handle: 1, delivery_id: 5, delivery_tag: tag }),
      Buffer.alloc(1200, 1),
    ),
    frames.amqp_frame(3, frames.disposition({ role: true, first: 0, last: 400, settled: true })),
    frames.amqp_frame(0),
    frames.amqp_frame(
      8000,
      frames.transfer({ handle: 70_000, delivery_id: 2 ** 31 }),
      Buffer.alloc(65_000, 2),
    ),
  ];
}

test('a pass goes out in one piece, with the bytes that rhea would write', () => {
  const socket = new PassThrough({ highWaterMark: 1 << 20 });
  const connection = connectionOn(socket);
  const output = new Output(connection);
  output.hold();
  for (const frame of samples()) {
    connection.amqp_transport.encode(frame);
    connection.output();
  }
  expect(socket.readableLength).toBe(0);
  output.release();
  const written = Buffer.concat([HEADER, ...samples().map((frame) => frames.write_frame(frame))]);
  expect((socket.read() as Buffer).equals(written)).toBe(true);
});

test('outside of a pass a frame goes out at once, the header before the first and once', () => {
  const socket = new PassThrough();
  const connection = connectionOn(socket);
  const output = new Output(connection);
  const say = () => {
    connection.amqp_transport.encode(frames.amqp_frame(0));
    connection.output();
    return (socket.read() as Buffer | null)?.toString('hex');
  };
  const empty = frames.write_frame(frames.amqp_frame(0)).toString('hex');
  expect([say(), say()]).toEqual([HEADER.toString('hex') + empty, empty]);
  output.hold();
  expect(say()).toBeUndefined();
  output.release();
  expect((socket.read() as Buffer).toString('hex')).toBe(empty);
});
