// Which fault strikes at which place: one run each, all of them or a share.
import { createRandom, type Random } from '../actors/worker/turn-window.ts';
import { FAULTS, type FaultName } from './faults.ts';
import type { Place } from './places.ts';

/** A fault without a place befalls the scenario as a whole. */
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
