// What the guards of clock, randomness and I/O see of the turn that may be running in this thread, and its seeded randomness.
import { hash53 } from '../core/references.ts';

export interface TurnWindow {
  /** Epoch ms of the turn that runs now; undefined outside turns. */
  now(): number | undefined;
  /** The turn's own randomness; undefined outside turns. */
  random(): Random | undefined;
  /** Throws IMPURE_TURN inside a turn. */
  forbid(what: string): void;
}

// Seeded randomness for turns: sfc32, small and good enough for ids and jitter; not for keys.

export interface Random {
  /** In [0, 1). */
  float(): number;
  draw(bytes: Uint8Array): void;
}

export function createRandom(seed: string): Random {
  const first = hash53(seed, 1);
  const second = hash53(seed, 2);
  let a = first >>> 0;
  let b = (first / 2 ** 32) >>> 0;
  let c = second >>> 0;
  let d = (second / 2 ** 32) >>> 0;
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp += 1) next();
  return {
    float: () => next() / 2 ** 32,
    draw(bytes) {
      for (let i = 0; i < bytes.length; i += 1) bytes[i] = next() & 0xff;
    },
  };
}

/** A version 4 UUID from 16 bytes. */
export function toUuid(random: Random): `${string}-${string}-${string}-${string}-${string}` {
  const bytes = new Uint8Array(16);
  random.draw(bytes);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
