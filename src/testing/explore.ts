// Runs a scenario as it is, and once for each place and fault. Every run has to end the same.
import { randomInt } from 'node:crypto';
import type { QuorateConfig } from '../contract/config.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { describeTrial, runTrials } from './campaign.ts';
import { toMs } from './duration.ts';
import { drawTrials, FAULT_NAMES, type Trial, trialsOf } from './faults.ts';
import { type Bounds, describe, type Exploration, startProgress, tally } from './report.ts';
import { type Run, runOnce } from './run.ts';
import { type Difference, differences, shorten, toLines } from './run-outcome.ts';
import {
  type ExploreOptions,
  type Laboratory,
  openLaboratory,
  type Scenario,
  type TestConfig,
} from './scenario.ts';

const DEFAULT_PARALLEL = 4;
const DEFAULT_TIMEOUT_MS = 20_000;
/** A late run may take so many times as long as one without a fault takes now: on a busy machine that is long. */
const TIMES_PLAIN = 10;
/** A run may take at most so many times the limit, also one without a fault that was late. */
const TIMES_LIMIT = 5;
/** As short as the service allows: sleeping past it takes no more of the scenario's time than it must. */
const DUPLICATE_WINDOW_MS = 20_000;

/**
 * Runs a scenario as it is, then once for each place and fault: the host dies before a commit, after it, in the middle of an outbox, and
 * so on. Every run has its own broker in memory, on virtual time, and must end the same. docs/testing.md has the faults.
 *
 * @param scenario The scenario, or a function that makes a new one for each run, for scenarios that keep effects of their own.
 * @param options Which faults, how many at a time, how long; `print` takes the lines of progress.
 * @returns What was explored, when every run ended the same.
 * @throws EXPLORE_DIVERGED with place, fault and difference as soon as a run with a fault ends otherwise; EXPLORE_UNSTABLE when two runs
 * without a fault differ; EXPLORE_TIMEOUT when a run is late twice, the second time by itself; PACKAGE_MISSING without `quorate-broker`.
 * @example
 * ```ts
 * test('an order is charged once', async () => {
 *   await exploreCrashes({
 *     config: { machines: { order }, agents: { charge: { run: () => 'receipt' } } },
 *     run: async ({ client, settled }) => {
 *       await client.start('order', { id: 'o', input: { amount: 20 } });
 *       await settled();
 *     },
 *   });
 * });
 * ```
 */
export async function exploreCrashes<C extends TestConfig>(
  scenario: Scenario<C> | (() => Scenario<C>),
  options: ExploreOptions = {},
): Promise<Exploration> {
  const make = (): Scenario => {
    const made = typeof scenario === 'function' ? scenario() : scenario;
    return { ...made, config: withDefaults(made.config) };
  };
  const bounds = boundsOf(options);
  const laboratory = await openLaboratory(withDefaults(make().config));
  try {
    return await exploreIn(laboratory, make, options, bounds);
  } finally {
    await laboratory.close();
  }
}

async function exploreIn(
  laboratory: Laboratory,
  make: () => Scenario,
  options: ExploreOptions,
  bounds: Bounds | undefined,
): Promise<Exploration> {
  const { faults = FAULT_NAMES, parallel = DEFAULT_PARALLEL, print = console.log } = options;
  const startedAt = performance.now();
  const took = (): number => performance.now() - startedAt;
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const run = (trial?: Trial, limitMs = timeoutMs): Promise<Run> =>
    runOnce(laboratory, make(), limitMs, trial);
  const mostMs = TIMES_LIMIT * timeoutMs;
  const patience = async (): Promise<number> => {
    const begunAt = performance.now();
    await run(undefined, mostMs);
    return Math.min(mostMs, Math.max(timeoutMs, TIMES_PLAIN * (performance.now() - begunAt)));
  };
  const inTime = (): Promise<Run> => onceMoreIfLate(run, mostMs);
  const plain = await inTime();
  const plainMs = await checkStable(plain, inTime);
  const all = trialsOf(plain.places, faults);
  const trials = bounds === undefined ? all : drawTrials(all, bounds.sample, bounds.seed);
  const progress = startProgress({
    places: plain.places.length,
    trials,
    all,
    plainMs,
    parallel,
    bounds,
    print,
  });
  try {
    const tried = await runTrials({
      trials,
      parallel,
      run,
      patience,
      isOver: () => took() >= (bounds?.budgetMs ?? Number.POSITIVE_INFINITY),
      judge: (trial, { outcome }, nth) => {
        const found = differences(plain.outcome, outcome);
        if (found.length > 0) throw divergence(trial, found, nth);
      },
      onTried: progress.tried,
    });
    const exploration = tally(plain.places, tried, all.length, Math.round(took()), bounds?.seed);
    for (const line of describe(exploration)) print(line);
    return exploration;
  } finally {
    progress.stop();
  }
}

/** What bounds an exploration; undefined where everything is to be tried. Throws USAGE. */
function boundsOf({ budget, sample, seed }: ExploreOptions): Bounds | undefined {
  if (sample !== undefined && !(sample > 0 && sample <= 1))
    throw new QuorateError('USAGE', `sample is a share above 0 and up to 1, not ${String(sample)}`);
  if (budget === undefined && sample === undefined) return undefined;
  return {
    budgetMs: budget === undefined ? Number.POSITIVE_INFINITY : toMs(budget),
    sample: sample ?? 1,
    seed: String(seed ?? randomInt(2 ** 31)),
  };
}

/** A run without a fault that is late is tried once more, as all others are. */
async function onceMoreIfLate(
  run: (trial?: Trial, limitMs?: number) => Promise<Run>,
  mostMs: number,
): Promise<Run> {
  let last = await run();
  if (last.late !== undefined) last = await run(undefined, mostMs);
  if (last.late === undefined) return last;
  throw new QuorateError(
    'EXPLORE_TIMEOUT',
    `without any fault the scenario was not over in time: ${last.late}`,
  );
}

/** Large values lie in the world's own folder, wherever the application keeps them. */
function withDefaults(config: TestConfig): QuorateConfig {
  const own: { -readonly [field in keyof QuorateConfig]: QuorateConfig[field] } = { ...config };
  delete own.payloadContainer;
  delete own.payloadConnectionString;
  return { duplicateWindowMs: DUPLICATE_WINDOW_MS, ...own };
}

/** How long the second run took, ms. */
async function checkStable({ outcome }: Run, run: () => Promise<Run>): Promise<number> {
  if ('failed' in outcome) {
    const why = shorten(outcome.failed);
    throw new QuorateError('EXPLORE_UNSTABLE', `without any fault the scenario fails: ${why}`);
  }
  const startedAt = performance.now();
  const found = differences(outcome, (await run()).outcome);
  if (found.length === 0) return performance.now() - startedAt;
  throw new QuorateError('EXPLORE_UNSTABLE', `two runs without any fault differ:\n${toLines(found)}`, {
    data: found as unknown as Json,
  });
}

function divergence(trial: Trial, found: readonly Difference[], nth: number): QuorateError {
  const message = `${describeTrial(trial)} changes the outcome (run ${nth}):\n${toLines(found)}`;
  const { fault, place } = trial;
  return new QuorateError('EXPLORE_DIVERGED', message, {
    data: { fault, place: (place ?? null) as unknown as Json, differences: found as unknown as Json },
  });
}
