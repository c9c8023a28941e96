// Seeded randomness: the seed is printed, and QUORATE_TEST_SEED repeats a run.
export interface Random {
  readonly seed: number;
  /** 0 <= n < limit, whole. */
  below(limit: number): number;
  pick<T>(from: readonly T[]): T;
}

/** mulberry32. */
export function createRandom(
  seed = Number(process.env['QUORATE_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31)),
): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { seed, below, pick: (from) => from[below(from.length)] as (typeof from)[number] };
}
