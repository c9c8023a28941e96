import { HEADER, listFields, MESSAGE_ANNOTATIONS, type Section, scanSections } from './sections.ts';
import { readCompound, skipValue } from './values.ts';
import { AmqpWriter } from './writer.ts';

/** What the broker says of a message when it hands it out. */
export interface Stamp {
  seq: number;
  enqueuedAt: number;
  /** 0 = never expires. */
  expiresAt: number;
  deliveryCount: number;
  state: number;
  lockedUntil: number | undefined;
  origin: number;
  source: string | undefined;
}

const MAX_UINT = 0xffff_ffff;
const STAMP_BYTES = 320;
const DURABLE = 0x41;
const NULL = 0x40;
const TIMESTAMP = 0x83;
const ABSOLUTE_EXPIRY_TIME = 8;
/** The sender's clock and the way here; within this the sender's own value stays as it was sent. */
const CLOCK_SKEW_MS = 5000;

/** The stored message with its header and annotations as of now; everything from the properties on is copied. */
export function stamped(bytes: Buffer, stamp: Stamp): Buffer {
  const { header, annotations, bodyStart, properties, applicationProperties } = scanSections(bytes);
  const writer = new AmqpWriter(bytes.length + STAMP_BYTES);

  const [durableAt, priorityAt, ttlAt] = listFields(bytes, header);
  const field = (at: number | undefined, fallback: number) => {
    if (at === undefined) writer.byte(fallback);
    else writer.raw(bytes.subarray(at, skipValue(bytes, at)));
  };
  writer.section(HEADER).compound(0xd0, 5, () => {
    field(durableAt, DURABLE);
    field(priorityAt, NULL);
    if (stamp.expiresAt > 0) writer.uint(Math.min(Math.max(stamp.expiresAt - stamp.enqueuedAt, 0), MAX_UINT));
    else field(ttlAt, NULL);
    writer.byte(NULL);
    writer.uint(stamp.deliveryCount);
  });

  const own = annotations && readCompound(bytes, annotations.valueAt);
  const optional =
    (stamp.lockedUntil === undefined ? 0 : 2) + (stamp.origin ? 2 : 0) + (stamp.source ? 2 : 0);
  writer.section(MESSAGE_ANNOTATIONS).compound(0xd1, (own?.count ?? 0) + 6 + optional, () => {
    if (own) writer.raw(bytes.subarray(own.start, own.end));
    writer.symbol('x-opt-sequence-number').long(stamp.seq);
    writer.symbol('x-opt-enqueued-time').timestamp(stamp.enqueuedAt);
    writer.symbol('x-opt-message-state').int(stamp.state);
    if (stamp.origin) writer.symbol('x-opt-enqueue-sequence-number').long(stamp.origin);
    if (stamp.lockedUntil !== undefined) writer.symbol('x-opt-locked-until').timestamp(stamp.lockedUntil);
    if (stamp.source) writer.symbol('x-opt-deadletter-source').string(stamp.source);
  });

  const rest = properties?.start ?? applicationProperties?.start ?? bodyStart;
  const restAt = writer.length;
  const out = writer.raw(bytes.subarray(rest)).take();
  if (stamp.expiresAt > 0) capExpiry(out, bytes, properties, restAt - rest, stamp.expiresAt);
  return out;
}

/** Where the sender wrote when its message ends and the entity ends it sooner, the entity's word goes out. */
function capExpiry(
  out: Buffer,
  bytes: Buffer,
  properties: Section | undefined,
  shift: number,
  expiresAt: number,
): void {
  const at = listFields(bytes, properties)[ABSOLUTE_EXPIRY_TIME];
  if (at === undefined || bytes[at] !== TIMESTAMP) return;
  if (Number(bytes.readBigInt64BE(at + 1)) > expiresAt + CLOCK_SKEW_MS) {
    out.writeBigInt64BE(BigInt(Math.floor(expiresAt)), at + shift + 1);
  }
}
