// AMQP values of every type, most of them sensible, some at the edges of what there is, some broken.

import type { Random } from '../../../../../test/kit/random.ts';
import {
  array,
  binary,
  bool,
  compound,
  described,
  double,
  int,
  list,
  long,
  map,
  NULL,
  string,
  symbol,
  timestamp,
  ubyte,
  uint,
  ulong,
  ushort,
  uuid,
} from '../amqp/encode.ts';

const TEXTS = [
  '',
  'q',
  '$cbs',
  'fuzz-q/$management',
  '__proto__',
  'constructor',
  'x'.repeat(300),
  '\0',
  '💥',
  '%2F',
  '..',
];
const NUMBERS = [
  0, 1, 2, 127, 128, 255, 256, 511, 512, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];
const LARGE = [0n, 1n, 255n, 2n ** 31n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 62n, 2n ** 63n - 1n];
const FLOATS = [0, -1, 1.5, 1e300, -1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE, 2 ** 53];
const CODES = [0x40, 0x45, 0x50, 0x70, 0x80, 0x98, 0xa1, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0, 0x00, 0x3f, 0xff];
const DESCRIPTORS = [
  0x10, 0x14, 0x1d, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x30, 0x33, 0x34, 0x70, 0x73, 0x77, 0xff,
];
const DEEP = 40;

export function randomText(random: Random): string {
  return random.below(4) === 0 ? String(random.below(1000)) : random.pick(TEXTS);
}

export function randomValue(random: Random, depth = 3): Buffer {
  const again = () => randomValue(random, depth - 1);
  const several = (most: number) => Array.from({ length: random.below(most + 1) }, again);
  const scalars: (() => Buffer)[] = [
    () => NULL,
    () => bool(random.below(2) === 0),
    () => ubyte(random.below(256)),
    () => ushort(random.pick(NUMBERS) & 0xffff),
    () => uint(random.pick(NUMBERS)),
    () => int(random.pick(NUMBERS) | 0),
    () => ulong(random.pick(LARGE)),
    () => long(random.pick([1n, -1n]) * random.pick(LARGE)),
    () => timestamp(random.pick([1n, -1n]) * random.pick(LARGE)),
    () => double(random.pick(FLOATS)),
    () => uuid(Buffer.alloc(16, random.below(256))),
    () => binary(Buffer.alloc(random.pick([0, 1, 8, 16, 300]), random.below(256))),
    () => string(randomText(random)),
    () => symbol(randomText(random)),
  ];
  const compounds: (() => Buffer)[] = [
    () => list(...several(4)),
    () => map(...several(2).flatMap((value) => [string(randomText(random)), value])),
    () => described(random.pick(DESCRIPTORS), again()),
    () => described(symbol(randomText(random)), again()),
    () => array(random.pick([0, 1, 3, 0xffff, 0xffff_ffff]), random.pick(CODES), several(3)),
    () => compound(random.pick([0xd0, 0xd1, 0xf0]), random.pick(NUMBERS), several(2)),
    () => nested(random),
  ];
  return random.pick(depth > 0 && random.below(3) === 0 ? compounds : scalars)();
}

function nested(random: Random): Buffer {
  let value: Buffer = NULL;
  const depth = random.pick([2, DEEP, 200]);
  const wrap = random.pick([
    list,
    (inner: Buffer) => described(1, inner),
    (inner: Buffer) => map(NULL, inner),
  ]);
  for (let level = 0; level < depth; level += 1) value = wrap(value);
  return value;
}
