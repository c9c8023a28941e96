// Trials with runs of the test's own: which are repeated, which are believed, and when it ends.
import { expect, it } from 'vitest';
import { type Campaign, runTrials, type Tried } from '../../../src/testing/campaign.ts';
import type { Trial } from '../../../src/testing/faults.ts';
import type { Run } from '../../../src/testing/run.ts';

const OUTCOME = { outcome: null, actors: {}, calls: {}, messages: {}, deadLetters: {} };
const IN_TIME: Run = { outcome: OUTCOME, places: [], struck: true };
const LATE: Run = { outcome: { failed: null }, late: 'not over after 20 ms', places: [], struck: true };
const DIVERGED: Run = { ...IN_TIME, outcome: { failed: 'another end' } };

const TRIALS: readonly Trial[] = Array.from({ length: 12 }, (_, at) => ({
  fault: 'crash',
  place: { step: 'before-write', where: 'order/o', nth: at + 1, locked: true, repeatable: false },
}));

interface Ran {
  readonly nth: number;
  /** Others that ran when it began. */
  readonly beside: number;
  readonly limitMs: number | undefined;
}

/** What a run may take with nothing beside it, in these tests. */
const PATIENCE_MS = 77;

function campaign(runOf: (nth: number, again: boolean) => Run, more: Partial<Campaign> = {}) {
  const ran: Ran[] = [];
  let running = 0;
  const begin = (): Promise<Tried[]> =>
    runTrials({
      trials: TRIALS,
      parallel: 4,
      isOver: () => false,
      run: async ({ place }, limitMs) => {
        const nth = place?.nth ?? 0;
        const again = ran.some((other) => other.nth === nth);
        ran.push({ nth, beside: running, limitMs });
        running++;
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return runOf(nth, again);
      },
      patience: async () => PATIENCE_MS,
      judge: (_trial, { outcome }) => {
        if ('failed' in outcome) throw new Error('diverged');
      },
      onTried: () => {},
      ...more,
    });
  return { ran, begin };
}

it('runs every trial once when none is late', async () => {
  const { ran, begin } = campaign(() => IN_TIME);
  expect(await begin()).toHaveLength(TRIALS.length);
  expect(ran.map(({ nth }) => nth).toSorted((a, b) => a - b)).toEqual(TRIALS.map(({ place }) => place?.nth));
});

it('repeats a late run with nothing beside it and as long as the machine needs now, and believes that one', async () => {
  const { ran, begin } = campaign((nth, again) => (nth === 3 && !again ? LATE : IN_TIME));
  expect(await begin()).toHaveLength(TRIALS.length);
  expect(ran.filter(({ nth }) => nth === 3)).toEqual([
    { nth: 3, beside: expect.any(Number), limitMs: undefined },
    { nth: 3, beside: 0, limitMs: PATIENCE_MS },
  ]);
  expect(ran).toHaveLength(TRIALS.length + 1);
});

it('never takes a late run for one that came to another end', async () => {
  const { begin } = campaign((nth) => (nth === 3 ? LATE : IN_TIME));
  await expect(begin()).rejects.toMatchObject({
    code: 'EXPLORE_TIMEOUT',
    message: expect.stringContaining('crash at before-write of order/o #3'),
    data: { fault: 'crash', place: { nth: 3 } },
  });
});

it('takes another end of the repeated run for what it is', async () => {
  const { begin } = campaign((nth, again) => {
    if (nth !== 3) return IN_TIME;
    return again ? DIVERGED : LATE;
  });
  await expect(begin()).rejects.toThrow('diverged');
});

it('begins no further trial after one came to another end', async () => {
  const { ran, begin } = campaign((nth) => (nth === 1 ? DIVERGED : IN_TIME));
  await expect(begin()).rejects.toThrow('diverged');
  expect(ran.length).toBeLessThan(TRIALS.length);
});

it('ends when the budget is used up', async () => {
  let tried = 0;
  const { begin } = campaign(() => IN_TIME, {
    isOver: () => tried >= 5,
    onTried: (count) => (tried = count),
  });
  const done = await begin();
  expect(done.length).toBeGreaterThanOrEqual(5);
  expect(done.length).toBeLessThan(5 + 4);
});
