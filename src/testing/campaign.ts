// All trials of an exploration: some at a time, a late one again by itself, until one diverges or the budget is used up.
import { QuorateError } from '../contract/errors.ts';
import type { Trial } from './faults.ts';
import { formatPlace } from './places.ts';
import type { Run } from './run.ts';

export interface Tried {
  readonly trial: Trial;
  /** Whether its place came by. */
  readonly struck: boolean;
}

export interface Campaign {
  readonly trials: readonly Trial[];
  /** Runs at a time. */
  readonly parallel: number;
  /** No trial begins when it says so. */
  readonly isOver: () => boolean;
  /** Within so many ms, or the limit of every run. */
  readonly run: (trial: Trial, limitMs?: number) => Promise<Run>;
  /** How long a run may take now, with nothing beside it, ms. */
  readonly patience: () => Promise<number>;
  /** Throws when the run ended differently. */
  readonly judge: (trial: Trial, run: Run, tried: number) => void;
  readonly onTried: (tried: number) => void;
}

/** Throws what `judge` throws first, or EXPLORE_TIMEOUT when a run is late that has the machine to itself. */
export async function runTrials(campaign: Campaign): Promise<Tried[]> {
  const { trials, parallel, isOver } = campaign;
  const tried: Tried[] = [];
  const late: Trial[] = [];
  let at = 0;
  let failed: { readonly error: unknown } | undefined;

  const take = (trial: Trial, run: Run): void => {
    campaign.judge(trial, run, tried.length + 1);
    tried.push({ trial, struck: run.struck });
    campaign.onTried(tried.length);
  };
  const work = async (): Promise<void> => {
    while (at < trials.length && failed === undefined && late.length === 0 && !isOver()) {
      const trial = trials[at++] as Trial;
      const run = await campaign.run(trial);
      if (run.late !== undefined) late.push(trial);
      else
        try {
          take(trial, run);
        } catch (error) {
          failed ??= { error };
        }
    }
  };

  while (at < trials.length && !isOver()) {
    await Promise.all(Array.from({ length: parallel }, work));
    if (failed !== undefined) throw failed.error;
    for (const trial of late.splice(0)) {
      const run = await campaign.run(trial, await campaign.patience());
      if (run.late !== undefined) throw timeout(trial, run.late);
      take(trial, run);
    }
  }
  return tried;
}

export function describeTrial({ fault, place }: Trial): string {
  return place === undefined ? fault : `${fault} at ${formatPlace(place)}`;
}

function timeout(trial: Trial, why: string): QuorateError {
  const message = `${describeTrial(trial)} was not over in time, the second time with nothing beside it: ${why}`;
  return new QuorateError('EXPLORE_TIMEOUT', message, {
    data: { fault: trial.fault, place: trial.place === undefined ? null : { ...trial.place } },
  });
}
