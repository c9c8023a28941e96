// Who is next, by weight (stride scheduling): each has a pass that grows by 1 / weight with what it gets, and the lowest is next. Who
// comes back after a rest begins where the others are, and not at what it had saved up meanwhile.

export interface Passes {
  /** Where the one that was served last stood. */
  readonly floor: number;
  readonly of: Readonly<Record<string, number>>;
}

export const NO_PASSES: Passes = { floor: 0, of: {} };

/** Of those that want something. */
export function nextOf(passes: Passes, names: readonly string[]): string | undefined {
  let next: string | undefined;
  let lowest = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const pass = passOf(passes, name);
    if (pass >= lowest) continue;
    lowest = pass;
    next = name;
  }
  return next;
}

export function served(passes: Passes, name: string, weight: number): Passes {
  const pass = passOf(passes, name);
  return { floor: pass, of: { ...passes.of, [name]: pass + 1 / weight } };
}

/** Those behind the floor are where a newcomer is: nothing has to be known of them. */
export function withoutRested(passes: Passes, isResting: (name: string) => boolean): Passes {
  const kept = Object.entries(passes.of).filter(([name, pass]) => pass > passes.floor || !isResting(name));
  return kept.length === Object.keys(passes.of).length ? passes : { ...passes, of: Object.fromEntries(kept) };
}

function passOf({ floor, of }: Passes, name: string): number {
  return Math.max(floor, Object.hasOwn(of, name) ? (of[name] ?? 0) : 0);
}
