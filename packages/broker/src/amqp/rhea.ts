/**
 * The border to rhea in its server role. What it needs beyond rhea's public typings (raw message bytes, held
 * attaches, frames written together) is reached here and nowhere else; rhea's version is pinned.
 */
import rhea, { type Connection, type Delivery, type Receiver, type Sender, type Session } from 'rhea';
import type { OutgoingSession, Traffic, WrittenDelivery } from './traffic.ts';

export const { types, message: messages } = rhea;

interface AmqpWriterOfRhea {
  write(value: unknown): void;
  toBuffer(): Buffer;
}

const { Writer, Reader } = types as unknown as {
  Writer: new () => AmqpWriterOfRhea;
  Reader: new (bytes: Buffer) => { read(): unknown };
};

/** One encoded AMQP value. */
export function encodeValue(value: unknown): Buffer {
  const writer = new Writer();
  writer.write(types.wrap(value));
  return Buffer.from(writer.toBuffer());
}

/** An encoded value as rhea writes it out again. */
export function decodedValue(encoded: Buffer): unknown {
  return new Reader(encoded).read();
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
  distribution_mode?: string | null;
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
      coordinator?: boolean;
      properties?: Record<string, unknown> | null;
    };
  };
  state: { local_open: boolean; open_requests: number };
}

interface RawSender extends RawLink {
  credit: number;
  promised?: number;
  _draining: boolean;
  session: RawSession;
}

interface RawOutgoing {
  available(): number;
  next_pending_delivery: number;
  next_delivery_id: number;
}

interface RawSession {
  outgoing: RawOutgoing;
}

interface RawConnection {
  _register(): void;
  endpoints: { readonly full: boolean };
  traffic: Traffic;
  local_channel_map: Record<string, RawSession>;
  remote: { open?: { container_id?: string; hostname?: string | null } };
  /** How often something was looked through for what to write. */
  passes: number;
}

export interface Outcome {
  constructor: { composite_type?: string };
  error?: { condition?: string | null; description?: string | null };
  undeliverable_here?: boolean;
  value?: unknown[];
}

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

export function remoteSource(link: Sender | Receiver): Terminus | undefined {
  return rawLink(link).remote.attach?.source ?? undefined;
}

export function remoteTarget(link: Sender | Receiver): Terminus | undefined {
  return rawLink(link).remote.attach?.target ?? undefined;
}

/** It leads to the coordinator of transactions instead of to an address. */
export function leadsToCoordinator(link: Sender | Receiver): boolean {
  return rawLink(link).remote.attach?.coordinator === true;
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

/** Counts messages on their way to the link: they keep their credit, although the client may take it back meanwhile. */
export function promise(sender: Sender, change: number): void {
  const raw = sender as unknown as RawSender;
  raw.promised = (raw.promised ?? 0) + change;
}

/** The client wants no more than there is now, and to be told that there is no more. */
export function isDraining(sender: Sender): boolean {
  return (sender as unknown as RawSender)._draining;
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
  return isSent((sender as unknown as RawSender).session);
}

function isSent({ outgoing }: RawSession): boolean {
  return outgoing.next_pending_delivery === outgoing.next_delivery_id;
}

/** The same of a whole connection. */
export function allWritten(connection: Connection): boolean {
  return Object.values((connection as unknown as RawConnection).local_channel_map).every(isSent);
}

/** A number that grows whenever rhea was asked to write. */
export function passesOf(connection: Connection): number {
  return (connection as unknown as RawConnection).passes;
}

export function containerOf(connection: Connection): string | undefined {
  return (connection as unknown as RawConnection).remote.open?.container_id;
}

/** What the client calls the broker. */
export function hostOf(connection: Connection): string {
  return (connection as unknown as RawConnection).remote.open?.hostname ?? 'localhost';
}

/** Makes rhea write what changed outside its events. */
export function nudge(connection: Connection): void {
  (connection as unknown as RawConnection)._register();
}

/** A reply needs no settlement: the peer's tiny disposition would cost it a round trip. */
export function sendSettled(sender: Sender, bytes: Buffer, tag?: Buffer): void {
  (handOver(sender, bytes, tag) as { settled: boolean }).settled = true;
}

export function sendUnsettled(sender: Sender, bytes: Buffer, tag: Buffer): Delivery {
  return handOver(sender, bytes, tag);
}

function handOver(sender: Sender, bytes: Buffer, tag: Buffer | undefined): Delivery {
  const delivery = sender.send(bytes, tag, 0);
  const { session } = sender as unknown as RawSender;
  trafficOf(sender).handed(session, delivery as unknown as WrittenDelivery, bytes.length);
  return delivery;
}

/** The way out of the link's connection. */
export function trafficOf(link: Sender | Receiver): Traffic {
  return (link.connection as unknown as RawConnection).traffic;
}

export function holdMessages(connection: Connection, change: number): void {
  (connection as unknown as RawConnection).traffic.holdMessages(change);
}

/** The link's session, as its traffic knows it. */
export function outgoingOf(sender: Sender): OutgoingSession {
  return (sender as unknown as RawSender).session;
}

/** The broker as a whole serves no more links. */
export function isFull(connection: Connection): boolean {
  return (connection as unknown as RawConnection).endpoints.full;
}

/** The transaction that a client settles it in. */
export function transactionOf(delivery: Delivery): Buffer | undefined {
  return (delivery as unknown as { transaction?: Buffer }).transaction;
}

export function remoteOutcome(delivery: Delivery): Outcome | undefined {
  return delivery.remote_state as Outcome | undefined;
}

function rawLink(link: Sender | Receiver): RawLink {
  return link as unknown as RawLink;
}
