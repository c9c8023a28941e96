/** What of rhea's connections, sessions and transports is used or replaced here, beyond its public typings. */
import type { Duplex } from 'node:stream';
import type { Endpoints } from './client-limits.ts';
import type { Dispositions } from './dispositions.ts';
import type { GuardedSession } from './guarded-session.ts';
import { TRANSFER } from './performatives.ts';
import type { Traffic } from './traffic.ts';

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

// Frames with every field of their lists, also the last ones that are null. AMQP lets a sender leave those off, and rhea
// does; the service does not, and clients count on it (azure-sdk-for-python 7.14, `_pyamqp/_decode.py` decode_frame).

/** How many fields the lists of performatives, errors, outcomes and termini have, by their descriptors. */
const FIELDS: ReadonlyMap<number, number> = new Map([
  [0x10, 10], // open
  [0x11, 8], // begin
  [0x12, 14], // attach
  [0x13, 11], // flow
  [TRANSFER, 11],
  [0x15, 6], // disposition
  [0x16, 3], // detach
  [0x17, 1], // end
  [0x18, 1], // close
  [0x1d, 3], // error
  [0x25, 1], // rejected
  [0x27, 3], // modified
  [0x28, 11], // source
  [0x29, 7], // target
]);

/** A performative as rhea builds it, without the fields behind the last one that is set. */
interface Composite {
  readonly constructor: { readonly descriptor?: { readonly numeric: number } };
  value: unknown;
}

/** The same with its fields encoded halfway. */
interface Typed {
  readonly descriptor: { readonly value: unknown } | undefined;
  value: unknown;
}

interface OutgoingFrame {
  /** A heartbeat has none. */
  readonly performative?: Composite;
}

export function withWholeLists(frame: OutgoingFrame): OutgoingFrame {
  if (frame.performative) complete(frame.performative);
  return frame;
}

function complete(list: Composite | Typed): void {
  let { value } = list;
  if (!Array.isArray(value)) return;
  const code = codeOf(list);
  const count = FIELDS.get(code);
  if (count === undefined) return;
  if (value.length === 0) {
    // rhea has one array for all the empty lists that it reads.
    value = [];
    list.value = value;
  }
  // rhea writes a null for each hole.
  if ((value as unknown[]).length < count) (value as unknown[]).length = count;
  // A transfer has no field that is a list.
  if (code === TRANSFER) return;
  for (const field of value as unknown[])
    if (typeof field === 'object' && field !== null) complete(field as Typed);
}

function codeOf(list: Composite | Typed): number {
  return Number('descriptor' in list ? list.descriptor?.value : list.constructor.descriptor?.numeric);
}
