// What an exploration says while it runs: how much there is to do, how far it is, how long the rest may take.
import { availableParallelism } from 'node:os';
import type { Trial } from './trials.ts';

const EVERY_MS = 10_000;

/** What bounds an exploration that is not to try everything. */
export interface Bounds {
  /** Real time, ms; Infinity where there is no limit. */
  readonly budgetMs: number;
  /** Above 0 and up to 1. */
  readonly sample: number;
  readonly seed: string;
}

export interface ProgressOptions {
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

export interface Progress {
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
