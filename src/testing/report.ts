// How much was explored, as data and as lines to print.
import { FAULT_NAMES, type FaultName } from './faults.ts';
import type { Place } from './places.ts';

export interface FaultReport {
  /** Runs in which it struck. */
  readonly tried: number;
  /** Runs in which its place did not come by, because messages were taken in other batches. */
  readonly missed: number;
}

export interface Exploration {
  /** Places that the run without a fault came by. */
  readonly places: number;
  /** Runs with a fault. */
  readonly runs: number;
  /** Runs that there would be without `budget` and `sample`. */
  readonly planned: number;
  /** Of what `budget` and `sample` drew: gives the same runs again. */
  readonly seed?: string;
  readonly faults: Readonly<Partial<Record<FaultName, FaultReport>>>;
  readonly tookMs: number;
}

export function tally(
  places: readonly Place[],
  done: readonly { readonly trial: { readonly fault: FaultName }; readonly struck: boolean }[],
  planned: number,
  tookMs: number,
  seed?: string,
): Exploration {
  const faults: Partial<Record<FaultName, FaultReport>> = {};
  for (const { trial, struck } of done) {
    const { tried, missed } = faults[trial.fault] ?? { tried: 0, missed: 0 };
    faults[trial.fault] = { tried: tried + (struck ? 1 : 0), missed: missed + (struck ? 0 : 1) };
  }
  return {
    places: places.length,
    runs: done.length,
    planned,
    ...(seed === undefined ? {} : { seed }),
    faults,
    tookMs,
  };
}

export function describe({ places, runs, planned, seed, faults, tookMs }: Exploration): string[] {
  const counts = FAULT_NAMES.flatMap((name) => {
    const found = faults[name];
    if (found === undefined) return [];
    return [`${name} ${found.tried}${found.missed === 0 ? '' : ` (${found.missed} did not come by again)`}`];
  });
  const share = seed === undefined ? `${runs}` : `${runs} of ${planned}`;
  const drawn = seed === undefined ? '' : ` (seed ${seed})`;
  return [
    `explored ${places} places in ${share} runs${drawn}, ${(tookMs / 1000).toFixed(1)} s: every one ended the same`,
    `  ${counts.join(', ')}`,
  ];
}
