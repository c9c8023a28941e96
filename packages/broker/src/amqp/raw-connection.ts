/** What of rhea's connections, sessions and transports is used or replaced here, beyond its public typings. */
import type { Duplex } from 'node:stream';
import type { Endpoints } from './client-limits.ts';
import type { Dispositions } from './dispositions.ts';
import type { GuardedSession } from './guarded-session.ts';
import type { Traffic } from './traffic.ts';
import type { OutgoingFrame } from './whole-lists.ts';

export interface RawSession extends GuardedSession {
  connection: object;
  local: { handles: GuardedSession['local']['handles']; begin: { handle_max: number } };
  _process(): void;
  end(): void;
  remove(): void;
}

interface RawTransport {
  has_writes_pending(): boolean;
  read(bytes: Buffer, connection: RawConnection): number;
}

export interface RawConnection {
  registered: boolean;
  readonly state: { need_open(): boolean; need_close(): boolean; has_settled(): boolean };
  readonly local: { open: { idle_time_out: number }; close: unknown };
  readonly remote: { open?: { idle_time_out?: number } };
  readonly transport: RawTransport;
  readonly amqp_transport: { encode(frame: OutgoingFrame): void };
  readonly sasl_transport: { transports: { 3: { transport: { read_complete: boolean } } } };
  heartbeat_in: NodeJS.Timeout | undefined;
  heartbeat_out: NodeJS.Timeout | undefined;
  accept(socket: Duplex): void;
  open(): void;
  close(error: { condition: string; description: string }): void;
  is_open(): boolean;
  is_closed(): boolean;
  create_session(): RawSession;
  input(bytes: Buffer): void;
  output(): void;
  idle(): void;
  _process(): void;
  _register(): void;
  _write_frame(channel: number, frame: unknown, payload?: Buffer): void;
  _write_open(): void;
  _write_close(): void;
  _disconnected(): void;
  /** These are ours. */
  dispositions: Dispositions;
  traffic: Traffic;
  endpoints: Endpoints;
  /** How often something was looked through for what to write. */
  passes: number;
}
