/**
 * rhea's passes over a connection, in which it writes what it has to say. rhea looks through all sessions in each pass; here
 * it looks at those that have asked for it.
 */
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import { type Holding, passedThrough } from '../transport/holdings.ts';
import { MAX_HANDLE } from './guard.ts';
import type { RawConnection, RawSession } from './raw-connection.ts';
import { guardDispositions } from './session-dispositions.ts';
import { guardFlow } from './session-flow.ts';
import { guardLinks } from './session-links.ts';
import { guardTransfers } from './session-transfers.ts';

export class Passes {
  readonly #raw: RawConnection;
  readonly #holding: Holding;
  readonly #failed: (error: unknown) => void;
  readonly #output: Output;
  readonly #asking = new Set<RawSession>();
  /** Which the client has ended, and whose end has not been answered. */
  readonly #ending = new Set<RawSession>();

  constructor(raw: RawConnection, holding: Holding, failed: (error: unknown) => void) {
    this.#raw = raw;
    this.#holding = holding;
    this.#failed = failed;
    this.#output = new Output(raw);
    raw.passes = 0;
    raw._process = () => this.pass();
    // rhea forgets the error when it has handed the frame over; here that is before it is written.
    raw._write_close = () => raw._write_frame(0, raw.local.close);
    const createSession = raw.create_session.bind(raw);
    raw.create_session = () => {
      this.#answerEnds();
      return this.#dress(createSession());
    };
  }

  /** rhea would answer a little later: until then the channel would be taken. */
  #answerEnds(): void {
    if (this.#ending.size === 0) return;
    for (const session of this.#ending) session.end();
    this.pass();
    for (const session of this.#ending) session.remove();
  }

  pass(): void {
    const raw = this.#raw;
    raw.passes += 1;
    raw.registered = false;
    this.#output.hold();
    try {
      do {
        if (raw.state.need_open()) raw._write_open();
        raw.dispositions.write();
        const sessions = [...this.#asking];
        this.#asking.clear();
        for (const session of sessions) {
          session._process();
          raw.traffic.written(session);
        }
        // Settlements of sessions that have only just begun.
        raw.dispositions.write();
        if (raw.state.need_close()) raw._write_close();
      } while (!raw.state.has_settled());
      this.#output.release();
      raw.traffic.passed();
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#output.release();
    }
  }

  /** Its own view of the connection tells which session asked for a pass. */
  #dress(session: RawSession): RawSession {
    const raw = this.#raw;
    session.local.begin.handle_max = MAX_HANDLE;
    session.connection = Object.create(raw, {
      _register: {
        value: () => {
          this.#asking.add(session);
          raw._register();
        },
      },
      _write_frame: {
        value: (channel: number, frame: unknown, payload?: Buffer) =>
          raw._write_frame(channel, frame, payload),
      },
    }) as object;
    guardLinks(session, () => {
      this.#asking.add(session);
      this.pass();
    });
    guardTransfers(session, this.#holding);
    guardFlow(session);
    guardDispositions(session);
    const onEnd = session.on_end.bind(session);
    session.on_end = (frame) => {
      this.#ending.add(session);
      onEnd(frame);
    };
    const remove = session.remove.bind(session);
    session.remove = () => {
      raw.traffic.ended(session);
      remove();
      this.#ending.delete(session);
      // Answers come late: its channel may belong to another session then.
      session.output = () => {};
    };
    return session;
  }
}

// What a pass of rhea has to say goes out in one piece: by itself rhea makes a buffer of a kilobyte for every frame, grows
// it for most messages, gives each to the socket alone and starts the heartbeat's timer anew.

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

interface WritingConnection {
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
/** Room for a frame's head and performative; the buffer grows where it does not suffice. */
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
