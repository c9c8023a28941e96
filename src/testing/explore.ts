// Runs a scenario once as it is, and once for each place and fault; every run has to come to the same.
import type { QuorateConfig } from '../contract/config.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { type Difference, differences, shorten, toLines } from './differences.ts';
import { FAULT_NAMES } from './faults.ts';
import { type Laboratory, openLaboratory } from './laboratory.ts';
import { formatPlace } from './places.ts';
import { describe, type Exploration, tally } from './report.ts';
import { type Run, runOnce } from './run.ts';
import type { ExploreOptions, Scenario, TestConfig } from './scenario.ts';
import { type Trial, trialsOf } from './trials.ts';

const DEFAULT_PARALLEL = 4;
const DEFAULT_TIMEOUT_MS = 20_000;
/** As short as the service allows: sleeping past it takes no more of the scenario's time than it must. */
const DUPLICATE_WINDOW_MS = 20_000;

/**
 * Throws EXPLORE_UNSTABLE when two runs without a fault differ, and EXPLORE_DIVERGED with place, fault and difference as
 * soon as a run with one does.
 */
export async function exploreCrashes<C extends TestConfig>(
  scenario: Scenario<C> | (() => Scenario<C>),
  options: ExploreOptions = {},
): Promise<Exploration> {
  const make = (): Scenario => {
    const made = typeof scenario === 'function' ? scenario() : scenario;
    return { ...made, config: withDefaults(made.config) };
  };
  const laboratory = await openLaboratory(withDefaults(make().config));
  try {
    return await exploreIn(laboratory, make, options);
  } finally {
    await laboratory.close();
  }
}

async function exploreIn(
  laboratory: Laboratory,
  make: () => Scenario,
  options: ExploreOptions,
): Promise<Exploration> {
  const { faults = FAULT_NAMES, parallel = DEFAULT_PARALLEL, print = console.log } = options;
  const startedAt = performance.now();
  const run = (trial?: Trial): Promise<Run> =>
    runOnce(laboratory, make(), options.timeoutMs ?? DEFAULT_TIMEOUT_MS, trial);
  const plain = await run();
  await checkStable(plain, run);
  const trials = trialsOf(plain.places, faults);
  const done: { readonly trial: Trial; readonly struck: boolean }[] = [];
  let at = 0;
  let diverged: QuorateError | undefined;
  const work = async (): Promise<void> => {
    while (at < trials.length && diverged === undefined) {
      const trial = trials[at++] as Trial;
      const { outcome, struck } = await run(trial);
      const found = differences(plain.outcome, outcome);
      done.push({ trial, struck });
      if (found.length > 0) diverged ??= divergence(trial, found, done.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, trials.length) }, work));
  if (diverged !== undefined) throw diverged;
  const exploration = tally(plain.places, done, Math.round(performance.now() - startedAt));
  for (const line of describe(exploration)) print(line);
  return exploration;
}

/** What is too large for a message lies in the world's own folder, wherever the application keeps it. */
function withDefaults(config: TestConfig): QuorateConfig {
  const own: { -readonly [field in keyof QuorateConfig]: QuorateConfig[field] } = { ...config };
  delete own.payloadContainer;
  delete own.payloadConnectionString;
  return { duplicateWindowMs: DUPLICATE_WINDOW_MS, ...own };
}

async function checkStable({ outcome }: Run, run: () => Promise<Run>): Promise<void> {
  if ('failed' in outcome) {
    const why = shorten(outcome.failed);
    throw new QuorateError('EXPLORE_UNSTABLE', `without any fault the scenario fails: ${why}`);
  }
  const found = differences(outcome, (await run()).outcome);
  if (found.length === 0) return;
  throw new QuorateError('EXPLORE_UNSTABLE', `two runs without any fault differ:\n${toLines(found)}`, {
    data: found as unknown as Json,
  });
}

function divergence({ fault, place }: Trial, found: readonly Difference[], tried: number): QuorateError {
  const where = place === undefined ? '' : ` at ${formatPlace(place)}`;
  const message = `${fault}${where} changes the outcome (run ${tried}):\n${toLines(found)}`;
  return new QuorateError('EXPLORE_DIVERGED', message, {
    data: { fault, place: (place ?? null) as unknown as Json, differences: found as unknown as Json },
  });
}
