// The performatives of AMQP 1.0 as bytes; every field that is not given is null.
import { bool, described, list, map, NULL, string, ubyte, uint } from './encode.ts';

export const OPEN = 0x10;
export const BEGIN = 0x11;
export const ATTACH = 0x12;
export const FLOW = 0x13;
export const TRANSFER = 0x14;
export const DISPOSITION = 0x15;
export const DETACH = 0x16;
export const END = 0x17;
export const CLOSE = 0x18;
export const SASL_MECHANISMS = 0x40;
export const SASL_INIT = 0x41;
export const SASL_OUTCOME = 0x44;

export const AMQP_HEADER = Buffer.from('AMQP\0\x01\0\0', 'latin1');
export const SASL_HEADER = Buffer.from('AMQP\x03\x01\0\0', 'latin1');

const SOURCE = 0x28;
const TARGET = 0x29;
const MAX_UINT = 0xffff_ffff;
export const SENDER = false;
export const RECEIVER = true;

/** By place; places in between are null. */
export function performative(code: number, fields: Record<number, Buffer>): Buffer {
  const last = Math.max(-1, ...Object.keys(fields).map(Number));
  return described(code, list(...Array.from({ length: last + 1 }, (_, at) => fields[at] ?? NULL)));
}

export function open(fields: Record<number, Buffer> = {}): Buffer {
  return performative(OPEN, { 0: string('raw'), 1: string('localhost'), ...fields });
}

export function begin(fields: Record<number, Buffer> = {}): Buffer {
  return performative(BEGIN, { 1: uint(0), 2: uint(MAX_UINT), 3: uint(MAX_UINT), ...fields });
}

export interface AttachOptions {
  readonly name?: string;
  readonly address: string;
  /** SENDER or RECEIVER: what the client is. */
  readonly role: boolean;
  readonly handle?: number;
  readonly settled?: boolean;
  /** In place of the source, for what a plain address does not say. */
  readonly source?: Buffer;
  readonly target?: Buffer;
  readonly properties?: Buffer;
  /** Of a sender: from where it counts. */
  readonly count?: number;
}

export function attach(options: AttachOptions): Buffer {
  const { address, role, handle = 0, name = `${address}-${handle}`, settled = false } = options;
  const theirs = { 0: string(address) };
  const own = { 0: string(name) };
  return performative(ATTACH, {
    0: string(name),
    1: uint(handle),
    2: bool(role),
    3: ubyte(settled ? 1 : 0),
    4: ubyte(settled ? 0 : 1),
    5: options.source ?? performative(SOURCE, role === RECEIVER ? theirs : own),
    6: options.target ?? performative(TARGET, role === RECEIVER ? own : theirs),
    ...(role === SENDER && { 9: uint(options.count ?? 0) }),
    ...(options.properties && { 13: options.properties }),
  });
}

/** A source with a filter. */
export function source(address: string, filter: Buffer): Buffer {
  return performative(SOURCE, { 0: string(address), 7: filter });
}

export function flow(handle: number | undefined, credit = 0, fields: Record<number, Buffer> = {}): Buffer {
  return performative(FLOW, {
    0: uint(0),
    1: uint(MAX_UINT),
    2: uint(0),
    3: uint(MAX_UINT),
    ...(handle !== undefined && { 4: uint(handle), 5: uint(0), 6: uint(credit) }),
    ...fields,
  });
}

export interface TransferOptions {
  readonly handle?: number;
  readonly id: number;
  readonly more?: boolean;
  readonly settled?: boolean;
  readonly aborted?: boolean;
}

export function transfer(
  { handle = 0, id, more, settled, aborted }: TransferOptions,
  fields: Record<number, Buffer> = {},
): Buffer {
  return performative(TRANSFER, {
    0: uint(handle),
    1: uint(id),
    2: Buffer.from([0xa0, 4, id >>> 24, (id >>> 16) & 0xff, (id >>> 8) & 0xff, id & 0xff]),
    3: uint(0),
    4: bool(settled ?? false),
    5: bool(more ?? false),
    ...(aborted && { 9: bool(true) }),
    ...fields,
  });
}

export function disposition(role: boolean, first: number, last: number, state: Buffer): Buffer {
  return performative(DISPOSITION, {
    0: bool(role),
    1: uint(first),
    2: uint(last),
    3: bool(false),
    4: state,
  });
}

export const accepted = described(0x24, list());
export const detach = (handle: number): Buffer => performative(DETACH, { 0: uint(handle), 1: bool(true) });
export const end = (): Buffer => performative(END, {});
export const close = (): Buffer => performative(CLOSE, {});

/** A message with one data section of so many bytes. */
export function dataMessage(bytes: number): Buffer {
  const head = Buffer.alloc(8);
  head.set([0, 0x53, 0x75, 0xb0]);
  head.writeUInt32BE(bytes, 4);
  return Buffer.concat([head, Buffer.alloc(bytes, 0x61)]);
}

/** A request over `$cbs` or `$management`. */
export function requestMessage(
  id: string,
  replyTo: string,
  properties: [name: string, value: Buffer][],
  body: Buffer,
): Buffer {
  const pairs = properties.flatMap(([name, value]) => [string(name), value]);
  return Buffer.concat([
    described(0x73, list(string(id), NULL, NULL, NULL, string(replyTo))),
    described(0x74, map(...pairs)),
    described(0x77, body),
  ]);
}
