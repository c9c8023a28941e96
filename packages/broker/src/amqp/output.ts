/**
 * What a pass of rhea has to say goes out in one piece: by itself rhea makes a buffer of a kilobyte for every frame, grows
 * it for most messages, gives each to the socket alone and starts the heartbeat's timer anew.
 */
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import { passedThrough } from '../transport/holdings.ts';

interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly performative: unknown;
  readonly payload: Buffer | undefined;
}

interface Writer {
  readonly buffer: Buffer;
  readonly position: number;
  skip(bytes: number): void;
  write(value: unknown): void;
  write_uint(value: number, width: number): void;
  write_bytes(bytes: Buffer): void;
  toBuffer(): Buffer;
}

interface FrameTransport {
  pending: Frame[];
  readonly header_sent: unknown;
  write(socket: Duplex): void;
}

export interface WritingConnection {
  readonly amqp_transport: object;
  readonly transport: { has_writes_pending(): boolean };
  output(): void;
}

const { Writer } = createRequire(import.meta.url)('rhea/lib/types.js') as {
  Writer: new (buffer: Buffer) => Writer;
};

const SIZE_BYTES = 4;
/** In units of four bytes, as a frame says it. */
const DATA_OFFSET = 2;
/** For a frame's head and performative; where it does not suffice, the buffer grows. */
const ROOM_BYTES = 160;

export class Output {
  readonly #connection: WritingConnection;
  #held = false;

  constructor(connection: WritingConnection) {
    this.#connection = connection;
    writeTogether(connection.amqp_transport as FrameTransport);
    const output = connection.output.bind(connection);
    connection.output = () => {
      if (!this.#held) output();
    };
  }

  /** What is said from now on waits. */
  hold(): void {
    this.#held = true;
  }

  /** Writes what was said. */
  release(): void {
    this.#held = false;
    if (this.#connection.transport.has_writes_pending()) this.#connection.output();
  }
}

function writeTogether(transport: FrameTransport): void {
  const write = transport.write.bind(transport);
  transport.write = (socket) => {
    const { pending } = transport;
    transport.pending = [];
    // The protocol header, once.
    if (!transport.header_sent) write(socket);
    if (pending.length > 0) socket.write(encoded(pending));
  };
}

function encoded(frames: readonly Frame[]): Buffer {
  let room = 0;
  for (const { payload } of frames) room += ROOM_BYTES + (payload?.length ?? 0);
  passedThrough(room);
  const writer = new Writer(Buffer.allocUnsafe(room));
  for (const { type, channel, performative, payload } of frames) {
    const start = writer.position;
    writer.skip(SIZE_BYTES);
    writer.write_uint(DATA_OFFSET, 1);
    writer.write_uint(type, 1);
    writer.write_uint(channel, 2);
    if (performative) writer.write(performative);
    if (performative && payload) writer.write_bytes(payload);
    writer.buffer.writeUInt32BE(writer.position - start, start);
  }
  return writer.toBuffer();
}
