// AMQP 1.0 values and frames written by hand: what no library would ever send can be said here.

export const NULL = Buffer.from([0x40]);
export const TRUE = Buffer.from([0x41]);
const FALSE = Buffer.from([0x42]);
const FRAME_HEADER_BYTES = 8;

export const bool = (value: boolean): Buffer => (value ? TRUE : FALSE);

export function uint(value: number): Buffer {
  const bytes = Buffer.alloc(5, 0x70);
  bytes.writeUInt32BE(value >>> 0, 1);
  return bytes;
}

export const ubyte = (value: number): Buffer => Buffer.from([0x50, value]);

export function ushort(value: number): Buffer {
  return Buffer.from([0x60, value >> 8, value & 0xff]);
}

export function int(value: number): Buffer {
  const bytes = Buffer.alloc(5, 0x71);
  bytes.writeInt32BE(value, 1);
  return bytes;
}

export function ulong(value: bigint): Buffer {
  const bytes = Buffer.alloc(9, 0x80);
  bytes.writeBigUInt64BE(value, 1);
  return bytes;
}

export function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(9, 0x81);
  bytes.writeBigInt64BE(value, 1);
  return bytes;
}

export function timestamp(value: bigint): Buffer {
  const bytes = Buffer.alloc(9, 0x83);
  bytes.writeBigInt64BE(value, 1);
  return bytes;
}

export function double(value: number): Buffer {
  const bytes = Buffer.alloc(9, 0x82);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

export const uuid = (value: Buffer): Buffer => Buffer.concat([Buffer.from([0x98]), value]);
export const binary = (value: Buffer): Buffer => variable(0xb0, value);
export const string = (value: string): Buffer => variable(0xb1, Buffer.from(value));
export const symbol = (value: string): Buffer => variable(0xb3, Buffer.from(value, 'latin1'));
export const list = (...items: Buffer[]): Buffer => compound(0xd0, items.length, items);
/** Keys and values in turn. */
export const map = (...items: Buffer[]): Buffer => compound(0xd1, items.length, items);

export function described(code: number | Buffer, value: Buffer): Buffer {
  const descriptor = typeof code === 'number' ? Buffer.from([0x53, code]) : code;
  return Buffer.concat([Buffer.from([0]), descriptor, value]);
}

/** A list, map or array that says of itself what it likes. */
export function compound(code: number, count: number, items: Buffer[], size?: number): Buffer {
  const body = Buffer.concat(items);
  const head = Buffer.alloc(9, code);
  head.writeUInt32BE(size ?? body.length + 4, 1);
  head.writeUInt32BE(count >>> 0, 5);
  return Buffer.concat([head, body]);
}

/** `items` without their constructor, which stands once in front of them. */
export function array(count: number, constructor: number, items: Buffer[] = []): Buffer {
  return compound(0xf0, count, [Buffer.from([constructor]), ...items]);
}

export function frame(channel: number, performative: Buffer, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(FRAME_HEADER_BYTES);
  head.writeUInt32BE(FRAME_HEADER_BYTES + performative.length + payload.length);
  head[4] = 2;
  head.writeUInt16BE(channel, 6);
  return Buffer.concat([head, performative, payload]);
}

/** The same for the SASL layer. */
export function saslFrame(performative: Buffer): Buffer {
  const bytes = frame(0, performative);
  bytes[5] = 1;
  return bytes;
}

function variable(code: number, value: Buffer): Buffer {
  const head = Buffer.alloc(5, code);
  head.writeUInt32BE(value.length, 1);
  return Buffer.concat([head, value]);
}
