/**
 * The parts of rhea's sessions that are replaced here: where a faulty or hostile peer could do damage by a frame, and where
 * rhea is narrower than AMQP. `session-links.ts`, `session-transfers.ts`, `session-flow.ts` and `session-dispositions.ts`
 * each replace one kind of frame. Numbers inside only grow (`onWire`, `nearest`).
 */

interface IncomingDelivery {
  readonly id: number;
  frames: Buffer[];
  settled: boolean;
  remote_settled: boolean;
  tag: Buffer | undefined;
  /** Ours: what the peer calls it. */
  wire?: number;
}

export interface OutgoingDelivery {
  id: number;
  readonly link: GuardedLink;
  /** Number of its next frame to send; 0 = none has left. */
  readonly next_to_send: number;
  settled: boolean;
  remote_settled: boolean;
  /** Ours: the one that it is settled in. */
  transaction?: Buffer;
}

export interface GuardedLink {
  readonly name: string;
  readonly connection: { _register(): void };
  readonly local: {
    readonly handle: number;
    readonly attach: { max_message_size?: number | undefined };
    readonly detach: unknown;
  };
  readonly remote: { attach?: { handle: number } };
  readonly state: { readonly local_open: boolean; readonly remote_open: boolean; need_open(): boolean };
  credit: number;
  delivery_count: number;
  issue_flow: boolean;
  _incomplete: IncomingDelivery | undefined;
  /** For a sender: its peer wants no more than what is there now. */
  readonly _draining?: boolean;
  /** Ours, of a sender: messages that are on their way to it and will need credit. */
  promised?: number;
  _get_drain(): boolean;
  set_drained?(drained: boolean): void;
  is_receiver(): boolean;
  close(error?: { condition: string; description: string }): void;
  remove(): void;
}

interface AttachFields {
  name: string;
  handle: number;
  role: boolean;
  target: unknown;
  initial_delivery_count: number | null | undefined;
  /** Ours: a target that rhea does not know. */
  coordinator?: boolean;
}

export interface TransferFields {
  handle: number;
  delivery_id: number | null | undefined;
  delivery_tag: Buffer | null | undefined;
  message_format: number | undefined;
  more: boolean | undefined;
  aborted: boolean | undefined;
}

export interface FlowFields {
  next_incoming_id: number | null | undefined;
  next_outgoing_id: number;
  handle: number | null | undefined;
  delivery_count: number | null | undefined;
  link_credit: number | null | undefined;
  drain: boolean;
  echo: boolean | undefined;
}

export interface DispositionFields {
  readonly value: ({ readonly value: unknown } | undefined)[];
  role: boolean;
  first: number;
  last: number | null | undefined;
  settled: boolean | undefined;
  state: unknown;
}

export interface Frame<Fields> {
  performative: Fields;
  payload: Buffer | undefined;
}

interface Deliveries<Delivery> {
  readonly size: number;
  get_head(): { readonly id: number } | undefined;
  by_id(id: number): Delivery | undefined;
  push(delivery: Delivery): void;
}

/** A ring of neighbouring numbers. */
interface OutgoingDeliveries extends Deliveries<OutgoingDelivery> {
  size: number;
  tail: number;
  readonly capacity: number;
  readonly entries: (OutgoingDelivery | undefined)[];
}

export interface Settled {
  readonly link: { dispatch(event: string, context: unknown): void; _context(of: object): unknown };
  readonly remote_state: { readonly constructor: { readonly composite_type?: string } } | undefined;
  readonly remote_settled: boolean;
}

export interface GuardedSession {
  /** Keyed by anything; rhea goes through the values. */
  links: Record<string, GuardedLink>;
  readonly local: { handles: Record<number, GuardedLink> };
  readonly remote: { handles: Record<number, GuardedLink> };
  readonly incoming: {
    readonly deliveries: Deliveries<IncomingDelivery>;
    readonly window: number;
    next_transfer_id: number;
    max_transfer_id: number;
    next_delivery_id: number | undefined;
  };
  readonly outgoing: {
    updated: Settled[];
    readonly deliveries: OutgoingDeliveries;
    next_pending_delivery: number;
    next_delivery_id: number;
    readonly next_transfer_id: number;
    remote_next_transfer_id: number | undefined;
    process(): void;
  };
  output(frame: unknown, payload?: Buffer): void;
  on_begin(frame: Frame<unknown>): void;
  on_attach(frame: Frame<AttachFields>): void;
  on_transfer(frame: Frame<TransferFields>): void;
  on_flow(frame: Frame<FlowFields>): void;
  on_disposition(frame: Frame<DispositionFields>): void;
  on_detach(frame: Frame<{ handle: number }>): void;
  on_end(frame: Frame<unknown>): void;
  remove_link(link: GuardedLink): void;
  _write_flow(link?: GuardedLink): void;
}

// Serial numbers (RFC 1982): the ids and counts of AMQP are 32 bits wide, begin anywhere and start over behind the last.
// Inside, they are numbers that only grow; on the wire, what is left of them in 32 bits.

/** The number in 32 bits, as it goes out. */
export function onWire(number: number): number {
  return number >>> 0;
}

/** Of all numbers that have this form on the wire, the one nearest to a known number. */
export function nearest(wire: number, known: number): number {
  return known + ((wire - known) | 0);
}

/** How far the second lies behind the first. */
export function distance(first: number, last: number): number {
  return (last - first) >>> 0;
}
