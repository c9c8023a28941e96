// Frames taken apart, changed in one place and put together again, so that what is wrong is one thing and not its size.

import type { Random } from '../../../../../test/kit/random.ts';
import { skipValue } from '../../../src/codec/values.ts';
import { described, frame, list } from '../amqp/encode.ts';
import { randomText, randomValue } from './values.ts';

const HEADER_BYTES = 8;
const COMPOUNDS = new Set([0xc0, 0xc1, 0xd0, 0xd1]);
const MAX_PAYLOAD = 60_000;

/** The values that lie one behind the other. */
function valuesIn(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const value = firstValue(bytes.subarray(at));
    found.push(value);
    at += value.length;
  }
  return found;
}

interface Described {
  readonly descriptor: Buffer;
  readonly value: Buffer;
}

function takeApart(bytes: Buffer): Described {
  const [descriptor = Buffer.alloc(0)] = valuesIn(firstValue(bytes.subarray(1)));
  return { descriptor, value: bytes.subarray(1 + descriptor.length) };
}

function firstValue(bytes: Buffer): Buffer {
  return bytes.subarray(0, skipValue(bytes, 0));
}

function itemsOf(compound: Buffer): Buffer[] {
  const code = compound[0] ?? 0;
  return COMPOUNDS.has(code) ? valuesIn(compound.subarray(code < 0xd0 ? 3 : 9)) : [];
}

function joined(code: number, items: Buffer[]): Buffer {
  const bytes = list(...items);
  bytes[0] = code & 0x01 ? 0xd1 : 0xd0;
  return bytes;
}

/** A value with something in it changed, however deep it lies. */
function changedValue(random: Random, value: Buffer, depth = 4): Buffer {
  const code = value[0] ?? 0;
  if (depth > 0 && code === 0x00 && random.below(5) > 0) {
    const { descriptor, value: inner } = takeApart(value);
    return described(descriptor, changedValue(random, inner, depth - 1));
  }
  const items = depth > 0 && random.below(5) > 0 ? itemsOf(value) : [];
  if (items.length === 0) return randomValue(random);
  const at = random.below(items.length);
  const before = items[at] ?? value;
  const after = random.pick<() => Buffer[]>([
    () => [changedValue(random, before, depth - 1)],
    () => [changedValue(random, before, depth - 1)],
    () => [randomValue(random)],
    () => [],
    () => [before, before],
  ])();
  return joined(code, items.toSpliced(at, 1, ...after));
}

/** A frame with one field, one part of its payload or its channel changed; what is none is changed somewhere. */
function changed(random: Random, bytes: Buffer): Buffer {
  try {
    return changedField(random, bytes);
  } catch {
    return changedBytes(random, bytes);
  }
}

function changedField(random: Random, bytes: Buffer): Buffer {
  const channel = bytes.readUInt16BE(6);
  const start = (bytes[4] ?? 2) * 4;
  if (bytes.length <= start) return bytes;
  const performative = firstValue(bytes.subarray(start));
  const payload = bytes.subarray(start + performative.length);
  if (random.below(20) === 0)
    return rebuilt(bytes, random.pick([0, 1, 2, 300, 65_535]), performative, payload);
  if (payload.length > 0 && random.below(3) > 0) {
    return rebuilt(bytes, channel, performative, changedMessage(random, payload));
  }
  return rebuilt(bytes, channel, changedValue(random, performative), payload);
}

function rebuilt(bytes: Buffer, channel: number, performative: Buffer, payload: Buffer): Buffer {
  const made = frame(channel, performative, payload.subarray(0, MAX_PAYLOAD));
  made[5] = bytes[5] ?? 0;
  return made;
}

function changedMessage(random: Random, message: Buffer): Buffer {
  const sections = valuesIn(message);
  const at = random.below(sections.length);
  const section = sections[at] ?? message;
  return Buffer.concat(
    random.pick<() => Buffer[]>([
      () => sections.with(at, changedValue(random, section)),
      () => sections.with(at, changedValue(random, section)),
      () => sections.toSpliced(at, 1),
      () => sections.toSpliced(at, 0, random.pick(sections)),
      () => sections.toReversed(),
      () => [...sections, described(0x74, changedValue(random, sections[0] ?? message))],
    ])(),
  );
}

/** Bytes of a frame flipped, taken out, put in; its size is what it was or what it is now. */
function changedBytes(random: Random, bytes: Buffer): Buffer {
  let made: Buffer = Buffer.from(bytes);
  for (let times = 1 + random.below(4); times > 0; times -= 1) {
    const at = random.below(made.length);
    const kind = random.below(4);
    if (kind < 2) made[at] = random.below(256);
    else if (kind === 2) made = Buffer.concat([made.subarray(0, at), made.subarray(at + 1)]);
    else made = Buffer.concat([made.subarray(0, at), Buffer.from(randomText(random)), made.subarray(at)]);
  }
  if (random.below(2) === 0 && made.length >= HEADER_BYTES) made.writeUInt32BE(made.length);
  return made;
}

/** An exchange with something wrong in it, most of it as it was. */
export function mutated(
  random: Random,
  frames: readonly Buffer[],
  others: readonly (readonly Buffer[])[],
): Buffer[] {
  const exchange = [...frames];
  for (let times = 1 + random.below(3); times > 0; times -= 1) {
    // The protocol header is the first.
    const at = random.below(exchange.length);
    const one = exchange[at];
    if (!one) break;
    const stranger = random.pick(random.pick(others));
    const [put] = [
      random.pick<() => Buffer[]>([
        () => [changed(random, one)],
        () => [changed(random, one)],
        () => [changed(random, one)],
        () => [changedBytes(random, one)],
        () => [],
        () => [one, one],
        () => [one, stranger],
        () => [one, changed(random, stranger)],
        () => [random.pick(exchange)],
      ])(),
    ];
    exchange.splice(at, 1, ...put);
  }
  return exchange;
}
