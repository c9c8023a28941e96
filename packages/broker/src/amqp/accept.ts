/**
 * Joins one socket to rhea: what comes in, what goes out, idle time and the end. An error ends this connection and nothing
 * else.
 */
import type { Duplex } from 'node:stream';
import type { Connection } from 'rhea';
import { LONGEST_TIMER_MS } from '../clock.ts';
import type { Pulse } from '../core/pulse.ts';
import type { Holding, Holdings } from '../transport/holdings.ts';
import type { Turns } from '../transport/turns.ts';
import { type AllUnsettled, type Endpoints, toViolation, Unsettled, Violation } from './client-limits.ts';
import { Dispositions } from './dispositions.ts';
import { MAX_FRAME_BYTES } from './frame-reader.ts';
import { AMQP_HEADER, Guard, MAX_CHANNEL } from './guard.ts';
import { Incoming, type Listening } from './incoming.ts';
import { Passes } from './passes.ts';
import { type RawConnection, withWholeLists } from './raw-connection.ts';
import type { Container } from './rhea.ts';
import { Traffic } from './traffic.ts';

/** How long a peer may take over reading why it is cut. */
const GOODBYE_MS = 1000;

/** What all connections of a broker share. */
export interface Shared {
  readonly turns: Turns;
  readonly holdings: Holdings;
  readonly endpoints: Endpoints;
  readonly unsettled: AllUnsettled;
  readonly pulse: Pulse;
}

/** Serves one socket, or whatever else carries bytes both ways. */
export function acceptSocket(
  container: Container,
  socket: Duplex,
  idleTimeoutMs: number,
  shared: Shared,
): Connection {
  const connection = container.create_connection({
    port: 0,
    tcp_no_delay: true,
    max_frame_size: MAX_FRAME_BYTES,
    channel_max: MAX_CHANNEL,
    idle_time_out: idleTimeoutMs,
    sender_options: { autosettle: false, treat_modified_as_released: false },
    receiver_options: { autoaccept: false, autosettle: false, credit_window: 0 },
  } as Parameters<Container['create_connection']>[0]);
  const raw = connection as unknown as RawConnection;
  const line = new Line(raw, socket, shared);
  raw.accept(socket);
  socket.on('close', () => line.closed());
  return connection;
}

class Line implements Listening {
  readonly #raw: RawConnection;
  readonly #socket: Duplex;
  readonly #holdings: Holdings;
  readonly #holding: Holding;
  readonly #guard: Guard;
  readonly #incoming: Incoming;
  readonly #passes: Passes;
  #heardAt = performance.now();
  #over = false;

  constructor(raw: RawConnection, socket: Duplex, shared: Shared) {
    this.#raw = raw;
    this.#socket = socket;
    this.#holdings = shared.holdings;
    this.#holding = shared.holdings.open(() => {
      this.fail(new Violation('amqp:resource-limit-exceeded', 'The connection holds too much memory.'));
      socket.destroy();
    });
    this.#guard = new Guard(shared.endpoints);
    this.#incoming = new Incoming(socket, this.#guard, this.#holding, shared, this);
    this.#passes = new Passes(raw, this.#holding, (error) => this.fail(error));
    raw.endpoints = shared.endpoints;
    raw.dispositions = new Dispositions();
    raw.traffic = new Traffic(socket, this.#holding, shared, new Unsettled(shared.unsettled));
    this.#replace(raw);
    const connection = raw as unknown as Connection;
    for (const event of ['error', 'protocol_error']) connection.on(event, (error) => this.fail(error));
    connection.once('connection_open', () => {
      const { open } = raw.remote;
      if (open?.idle_time_out) open.idle_time_out = Math.min(open.idle_time_out, LONGEST_TIMER_MS);
    });
  }

  #replace(raw: RawConnection): void {
    raw.input = (bytes) => {
      this.#heardAt = performance.now();
      this.#incoming.heard(bytes);
    };
    const { amqp_transport: transport } = raw;
    const encode = transport.encode.bind(transport);
    transport.encode = (frame) => encode(withWholeLists(frame));
    const idle = raw.idle.bind(raw);
    raw.idle = () => this.#lookForSilence(idle);
  }

  get blocked(): boolean {
    return this.#raw.traffic.blocked;
  }

  get saslDone(): boolean {
    return this.#raw.sasl_transport.transports[3].transport.read_complete;
  }

  take(frame: Buffer): void {
    const raw = this.#raw;
    raw.transport.read(frame, raw);
    if (raw.transport.has_writes_pending()) {
      raw.output();
    } else if (raw.is_closed() && raw.state.has_settled()) {
      this.#socket.end();
    } else if (raw.is_open() && raw.remote.open?.idle_time_out && !raw.heartbeat_out) {
      raw.output();
    }
  }

  answer(): void {
    if (this.#raw.registered) this.#passes.pass();
  }

  closed(): void {
    this.#over = true;
    this.#raw.traffic.end();
    this.#incoming.end();
    this.#guard.close();
    this.#holdings.close(this.#holding);
    // rhea does not hear of every end; its timers would keep the connection in memory.
    this.#raw._disconnected();
  }

  /** Says why, if the connection has come so far that it can be said, and hangs up. */
  fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#raw.traffic.end();
    this.#incoming.end();
    const { condition, message: description } = toViolation(error);
    if (this.#guard.expectsHeader) {
      this.#socket.write(AMQP_HEADER);
    } else if (!this.#guard.inSasl) {
      this.#raw.open();
      this.#raw.close({ condition, description });
      this.#passes.pass();
    }
    this.#socket.end();
    // What the peer still sends is read and ignored: unread bytes would turn the goodbye into a reset.
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), GOODBYE_MS).unref();
  }

  #lookForSilence(idle: () => void): void {
    const raw = this.#raw;
    const patience = raw.local.open.idle_time_out * 2;
    const left = patience - (performance.now() - this.#heardAt);
    if (left <= 0) idle();
    else raw.heartbeat_in = setTimeout(() => raw.idle(), left);
  }
}
