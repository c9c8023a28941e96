// What can befall a host, and at which steps: the whole table of what is explored, and which fault strikes at which place.
import { createRandom, type Random } from '../actors/worker/turn-window.ts';
import type { Place, Step } from './places.ts';

const WHERE_IT_MAY_DIE = [
  'before-write',
  'after-write',
  'mid-outbox',
  'after-outbox',
  'before-result',
  'after-result',
  'before-complete',
] as const satisfies readonly Step[];

const FAULTS = {
  /** The process dies; another takes over at once. Also before the outbox: nothing may be completed before it. */
  crash: ['before-outbox', ...WHERE_IT_MAY_DIE],
  /** The broker gives the lock of the session or the task to others. */
  'lock-lost': WHERE_IT_MAY_DIE,
  /** The process stands still until its locks are gone and another has continued, then continues as if nothing had happened. */
  frozen: WHERE_IT_MAY_DIE,
  /** The broker dies at the next request and comes back with its data on the same port. */
  'broker-restart': WHERE_IT_MAY_DIE,
  /** The process dies, and another takes over when the broker has forgotten the ids of what was sent. */
  asleep: ['after-write', 'mid-outbox', 'after-outbox', 'after-result'],
  /** The state is written, but the answer asks for the write to be repeated, as the SDK would. */
  'replayed-write': ['before-write'],
  /** A message is delivered twice, or comes back after it was completed. */
  duplicate: ['before-outbox', 'before-complete'],
  /** What is sent is overtaken by everything else that happens meanwhile. */
  reordered: ['before-outbox'],
  /** The first message of several received at once is given back and comes again behind them. */
  abandoned: ['window'],
  /** Everything again with new actors of the same ids, within the duplicate window. */
  recreated: [],
} as const satisfies Record<string, readonly Step[]>;

/** The faults that an exploration tries; docs/testing.md says what each does. */
export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

// Which fault strikes at which place: one run each, all of them or a share.

/** A fault without a place is about the scenario as a whole. */
export interface Trial {
  readonly fault: FaultName;
  readonly place?: Place;
}

export function trialsOf(places: readonly Place[], faults: readonly FaultName[]): Trial[] {
  return faults.flatMap((fault): Trial[] => {
    const steps: readonly string[] = FAULTS[fault];
    if (steps.length === 0) return [{ fault }];
    return places
      .filter((place) => steps.includes(place.step) && canStrike(fault, place))
      .map((place) => ({ fault, place }));
  });
}

function canStrike(fault: FaultName, { locked, repeatable }: Place): boolean {
  if (fault === 'lock-lost') return locked;
  return fault === 'duplicate' ? repeatable : true;
}

/** A share (0 to 1) of the trials, of each fault at least one, in an order that follows from the seed. */
export function drawTrials(trials: readonly Trial[], share: number, seed: string): Trial[] {
  const random = createRandom(seed);
  const drawn = [...Map.groupBy(trials, ({ fault }) => fault).values()].flatMap((of) =>
    shuffle(of, random).slice(0, Math.ceil(of.length * share)),
  );
  return shuffle(drawn, random);
}

function shuffle<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => [random.float(), item] as const)
    .toSorted(([one], [other]) => one - other)
    .map(([, item]) => item);
}
