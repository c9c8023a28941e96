/**
 * The border to rhea in its server role. What it needs beyond rhea's public typings (raw message bytes, held
 * attaches, frames written together) is reached here and nowhere else; rhea's version is pinned.
 */
import type { Duplex } from 'node:stream';
import rhea, { type Connection, type Delivery, type Receiver, type Sender, type Session } from 'rhea';
import { Dispositions } from './dispositions.ts';

export const { types, message: messages } = rhea;

interface AmqpWriterOfRhea {
  write(value: unknown): void;
  toBuffer(): Buffer;
}

const { Writer } = types as unknown as { Writer: new () => AmqpWriterOfRhea };

/** One encoded AMQP value. */
export function encodeValue(value: unknown): Buffer {
  const writer = new Writer();
  writer.write(types.wrap(value));
  return Buffer.from(writer.toBuffer());
}

/** AMQP arrays have one type for all their items. */
export function arrayOf(items: unknown[], typeCode: number): unknown {
  return types.wrap_array(items, typeCode, undefined);
}

export type { Connection, Delivery, Receiver, Sender, Session };

/** A fresh container: event handlers of one broker never meet another's. */
export type Container = ReturnType<typeof rhea.create_container>;

interface Terminus {
  address?: string | null;
  filter?: Record<string, unknown> | null;
}

interface AttachFrame {
  source: unknown;
  target: unknown;
  snd_settle_mode: number;
  rcv_settle_mode: number;
  max_message_size: number | undefined;
  properties: Record<string, unknown> | undefined;
}

interface RawLink {
  local: { attach: AttachFrame };
  remote: {
    attach?: {
      source?: Terminus | null;
      target?: Terminus | null;
      properties?: Record<string, unknown> | null;
    };
  };
  state: { local_open: boolean; open_requests: number };
}

interface RawSender extends RawLink {
  credit: number;
  session: RawSession;
}

interface RawSession {
  outgoing: { available(): number; next_pending_delivery: number; next_delivery_id: number };
  on_transfer(frame: TransferFrame): void;
}

interface TransferFrame {
  performative: { message_format: number | undefined };
}

interface RawConnection {
  accept(socket: Duplex): void;
  create_session(size?: number): RawSession;
  transport: { peek_size(buffer: Buffer): number | undefined };
  _process(): void;
  _register(): void;
  dispositions: Dispositions;
}

export interface Outcome {
  constructor: { composite_type?: string };
  error?: { condition?: string | null; description?: string | null };
  undeliverable_here?: boolean;
  value?: unknown[];
}

/** rhea decodes messages of format 0 and hands over others as they are, so format 0 arrives under this number. */
const PLAIN_FORMAT = 0x7fff_ffff;

const FRAME_BYTES = 65_536;

export function createContainer(): Container {
  const container = rhea.create_container({ id: 'quorate-broker' });
  // Every event has a listener: without one rhea throws or writes to the console.
  for (const event of [
    'error',
    'protocol_error',
    'connection_error',
    'connection_close',
    'session_error',
    'session_close',
    'sender_error',
    'receiver_error',
    'disconnected',
  ]) {
    container.on(event, () => {});
  }
  return container;
}

/** Serves one socket, or whatever else carries bytes both ways. */
export function acceptSocket(container: Container, socket: Duplex, idleTimeoutMs: number): Connection {
  const connection = container.create_connection({
    port: 0,
    tcp_no_delay: true,
    max_frame_size: FRAME_BYTES,
    idle_time_out: idleTimeoutMs,
    sender_options: { autosettle: false, treat_modified_as_released: false },
    receiver_options: { autoaccept: false, autosettle: false, credit_window: 0 },
  } as Parameters<Container['create_connection']>[0]);
  const raw = connection as unknown as RawConnection;

  const createSession = raw.create_session.bind(raw);
  raw.create_session = (size) => {
    const session = createSession(size);
    const onTransfer = session.on_transfer.bind(session);
    session.on_transfer = (frame) => {
      if (!frame.performative.message_format) frame.performative.message_format = PLAIN_FORMAT;
      onTransfer(frame);
    };
    return session;
  };

  raw.dispositions = new Dispositions();
  const process = raw._process.bind(raw);
  raw._process = () => {
    socket.cork();
    try {
      raw.dispositions.write();
      process();
    } finally {
      socket.uncork();
    }
  };

  // After broken bytes nothing on this connection can be trusted; rhea would only end its own half.
  for (const event of ['error', 'protocol_error']) {
    connection.on(event, () => socket.end(() => socket.destroy()));
  }
  raw.accept(socket);
  limitFrames(raw);
  return connection;
}

/** rhea collects whatever size a frame claims to have. */
function limitFrames({ transport }: RawConnection): void {
  const peekSize = transport.peek_size.bind(transport);
  transport.peek_size = (bytes) => {
    const size = peekSize(bytes);
    if (size !== undefined && size > FRAME_BYTES)
      throw new RangeError(`a frame of ${size} bytes is over the limit`);
    return size;
  };
}

export function remoteSource(link: Sender | Receiver): Terminus | undefined {
  return rawLink(link).remote.attach?.source ?? undefined;
}

export function remoteTarget(link: Sender | Receiver): Terminus | undefined {
  return rawLink(link).remote.attach?.target ?? undefined;
}

export function remoteProperties(link: Sender | Receiver): Record<string, unknown> {
  return rawLink(link).remote.attach?.properties ?? {};
}

/** What the broker's attach will say; only before it has gone out. */
export function localAttach(link: Sender | Receiver): AttachFrame {
  return rawLink(link).local.attach;
}

/** Keeps the answer to an attach back until `openLink`. */
export function holdLink(link: Sender | Receiver): void {
  const { state } = rawLink(link);
  state.local_open = false;
  state.open_requests = 0;
}

export function openLink(link: Sender | Receiver): void {
  link.open();
}

export function creditOf(sender: Sender): number {
  return (sender as unknown as RawSender).credit;
}

/** Room in the session's buffer of unsettled deliveries. */
export function roomOf(sender: Sender): number {
  return (sender as unknown as RawSender).session.outgoing.available();
}

/** A number that changes when something happens on the link: transfers and credit. */
export function activityOf(link: Sender | Receiver): number {
  const { delivery_count: deliveries = 0, credit = 0 } = link as unknown as {
    delivery_count?: number;
    credit?: number;
  };
  return deliveries * 65_536 + credit;
}

/** Nothing handed to rhea waits to be written. */
export function allSent(sender: Sender): boolean {
  const { outgoing } = (sender as unknown as RawSender).session;
  return outgoing.next_pending_delivery === outgoing.next_delivery_id;
}

/** Makes rhea write what changed outside of its own events. */
export function nudge(connection: Connection): void {
  (connection as unknown as RawConnection)._register();
}

/** A reply needs no settlement: the peer's tiny disposition would cost it a round trip. */
export function sendSettled(sender: Sender, bytes: Buffer, tag?: Buffer): void {
  (sender.send(bytes, tag, 0) as { settled: boolean }).settled = true;
}

export function remoteOutcome(delivery: Delivery): Outcome | undefined {
  return delivery.remote_state as Outcome | undefined;
}

function rawLink(link: Sender | Receiver): RawLink {
  return link as unknown as RawLink;
}
