// Reports of an exploration, as data and as lines to print: while it runs, how much there is to do and how long the rest may
// take; at its end, how much was explored.
import { availableParallelism } from 'node:os';
import { FAULT_NAMES, type FaultName, type Trial } from './faults.ts';
import type { Place } from './places.ts';

/** How often one fault was tried. */
export interface FaultReport {
  /** Runs in which it struck. */
  readonly tried: number;
  /** Runs in which its place did not come by, because messages were taken in other batches. */
  readonly missed: number;
}

/** What an exploration has shown, as data. */
export interface Exploration {
  /** Places that the run without a fault came by. */
  readonly places: number;
  /** Runs with a fault. */
  readonly runs: number;
  /** Runs that there would be without `budget` and `sample`. */
  readonly planned: number;
  /** The seed that `budget` and `sample` drew by: it gives the same runs again. */
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

// What an exploration says while it runs: how much there is to do, how far it is, how long the rest may take.

const EVERY_MS = 10_000;

/** What bounds an exploration that is not to try everything. */
export interface Bounds {
  /** Real time, ms; Infinity where there is no limit. */
  readonly budgetMs: number;
  /** Above 0 and up to 1. */
  readonly sample: number;
  readonly seed: string;
}

interface ProgressOptions {
  readonly places: number;
  /** Those that are to be run, and all there are. */
  readonly trials: readonly Trial[];
  readonly all: readonly Trial[];
  /** How long a run without a fault took. */
  readonly plainMs: number;
  readonly parallel: number;
  readonly bounds: Bounds | undefined;
  readonly print: (line: string) => void;
}

interface Progress {
  readonly tried: (count: number) => void;
  stop(): void;
}

/** Prints the plan at once, and a line every ten seconds. */
export function startProgress(options: ProgressOptions): Progress {
  const { trials, bounds, print } = options;
  const startedAt = performance.now();
  let tried = 0;
  print(planOf(options));
  const timer = setInterval(() => {
    const tookMs = performance.now() - startedAt;
    const leftMs = Math.min(
      tried === 0 ? Number.POSITIVE_INFINITY : (tookMs / tried) * (trials.length - tried),
      (bounds?.budgetMs ?? Number.POSITIVE_INFINITY) - tookMs,
    );
    const left = Number.isFinite(leftMs) ? `, about ${seconds(leftMs)} left` : '';
    print(`  ${tried} of ${trials.length} runs, ${seconds(tookMs)}${left}`);
  }, EVERY_MS);
  timer.unref();
  return {
    tried: (count) => {
      tried = count;
    },
    stop: () => clearInterval(timer),
  };
}

function planOf({ places, trials, all, plainMs, parallel, bounds }: ProgressOptions): string {
  const atATime = Math.min(parallel, availableParallelism());
  const estimate = seconds(
    Math.min((trials.length * plainMs) / atATime, bounds?.budgetMs ?? Number.POSITIVE_INFINITY),
  );
  const share = trials.length === all.length ? `${all.length}` : `${trials.length} of ${all.length}`;
  const drawn = bounds === undefined ? '' : `, drawn with seed ${bounds.seed}`;
  return `exploring ${places} places: ${share} runs${drawn}, about ${estimate}`;
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.round(ms / 1000))} s`;
}
