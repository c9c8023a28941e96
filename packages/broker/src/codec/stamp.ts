// What the broker adds to a message when it hands it out: sequence number, times, delivery count, lock, state.
import { ABSOLUTE_EXPIRY_TIME } from './envelope.ts';
import {
  DELIVERY_ANNOTATIONS,
  HEADER,
  listFields,
  MESSAGE_ANNOTATIONS,
  type Section,
  scanSections,
} from './sections.ts';
import { MAX_UINT, NULL, readCompound, skipValue, TIMESTAMP, UUID } from './values.ts';
import { AmqpWriter } from './writer.ts';

/** What the broker says of a message when it hands it out. */
export interface Stamp {
  seq: number;
  enqueuedAt: number;
  /** 0 = never expires. */
  expiresAt: number;
  deliveryCount: number;
  state: number;
  lock: { readonly until: number; readonly token: Buffer } | undefined;
  origin: number;
  source: string | undefined;
}

const STAMP_BYTES = 384;
const DURABLE = 0x41;
/** Which the service does not mention. */
const ACTIVE = 0;
/** The sender's clock and the way here; within this the sender's own value stays as it was sent. */
const CLOCK_SKEW_MS = 5000;

/** The stored message with its header and annotations as of now; everything from the properties on is copied. */
export function stamped(bytes: Buffer, stamp: Stamp): Buffer {
  const { header, deliveryAnnotations, annotations, bodyStart, properties, applicationProperties } =
    scanSections(bytes);
  const writer = new AmqpWriter(bytes.length + STAMP_BYTES);

  const [durableAt, priorityAt, ttlAt, firstAcquirerAt] = listFields(bytes, header);
  const field = (at: number | undefined, fallback: number) => {
    if (at === undefined) writer.byte(fallback);
    else writer.raw(bytes.subarray(at, skipValue(bytes, at)));
  };
  writer.section(HEADER).compound(0xd0, 5, () => {
    field(durableAt, DURABLE);
    field(priorityAt, NULL);
    if (stamp.expiresAt > 0) writer.uint(Math.min(Math.max(stamp.expiresAt - stamp.enqueuedAt, 0), MAX_UINT));
    else field(ttlAt, NULL);
    field(firstAcquirerAt, NULL);
    writer.uint(stamp.deliveryCount);
  });

  const carried = deliveryAnnotations && readCompound(bytes, deliveryAnnotations.valueAt);
  const { lock } = stamp;
  if (carried || lock) {
    writer.section(DELIVERY_ANNOTATIONS).compound(0xd1, (carried?.count ?? 0) + (lock ? 2 : 0), () => {
      if (carried) writer.raw(bytes.subarray(carried.start, carried.end));
      // Where the client for Go looks for the token of a deferred message (`newReceivedMessage` in its message.go).
      if (lock) writer.symbol('x-opt-lock-token').byte(UUID).raw(lock.token);
    });
  }

  const own = annotations && readCompound(bytes, annotations.valueAt);
  const optional =
    (stamp.state === ACTIVE ? 0 : 2) + (lock ? 2 : 0) + (stamp.origin ? 2 : 0) + (stamp.source ? 2 : 0);
  writer.section(MESSAGE_ANNOTATIONS).compound(0xd1, (own?.count ?? 0) + 4 + optional, () => {
    if (own) writer.raw(bytes.subarray(own.start, own.end));
    writer.symbol('x-opt-sequence-number').long(stamp.seq);
    writer.symbol('x-opt-enqueued-time').timestamp(stamp.enqueuedAt);
    if (stamp.state !== ACTIVE) writer.symbol('x-opt-message-state').int(stamp.state);
    if (stamp.origin) writer.symbol('x-opt-enqueue-sequence-number').long(stamp.origin);
    if (lock) writer.symbol('x-opt-locked-until').timestamp(lock.until);
    if (stamp.source) writer.symbol('x-opt-deadletter-source').string(stamp.source);
  });

  const rest = properties?.start ?? applicationProperties?.start ?? bodyStart;
  const restAt = writer.length;
  const out = writer.raw(bytes.subarray(rest)).take();
  if (stamp.expiresAt > 0) correctExpiry(out, bytes, properties, restAt - rest, stamp.expiresAt);
  return out;
}

/** Where the sender wrote when its message ends and that has changed since, the entity's word goes out. */
function correctExpiry(
  out: Buffer,
  bytes: Buffer,
  properties: Section | undefined,
  shift: number,
  expiresAt: number,
): void {
  const at = listFields(bytes, properties)[ABSOLUTE_EXPIRY_TIME];
  if (at === undefined || bytes[at] !== TIMESTAMP) return;
  if (Math.abs(Number(bytes.readBigInt64BE(at + 1)) - expiresAt) > CLOCK_SKEW_MS) {
    out.writeBigInt64BE(BigInt(Math.floor(expiresAt)), at + shift + 1);
  }
}

/** The same without its body, whose size stands in a delivery annotation instead. */
export function withoutBody(bytes: Buffer): Buffer {
  const { header, deliveryAnnotations, bodyStart } = scanSections(bytes);
  const at = header?.end ?? 0;
  const carried = deliveryAnnotations && readCompound(bytes, deliveryAnnotations.valueAt);
  const writer = new AmqpWriter(bodyStart + 64).raw(bytes.subarray(0, at));
  writer.section(DELIVERY_ANNOTATIONS).compound(0xd1, (carried?.count ?? 0) + 2, () => {
    if (carried) writer.raw(bytes.subarray(carried.start, carried.end));
    writer.symbol('omitted-message-body-size').long(bytes.length - bodyStart);
  });
  return writer.raw(bytes.subarray(deliveryAnnotations?.end ?? at, bodyStart)).take();
}
