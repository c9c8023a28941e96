// Which fault strikes at which place: one run each.
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
