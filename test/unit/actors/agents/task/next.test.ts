import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { putOff, toNext } from '../../../../../src/actors/agents/task/next.ts';
import { type Attempt, DEFAULT_RETRY, type Next } from '../../../../../src/actors/agents/task/task.ts';
import type { Json } from '../../../../../src/contract/json.ts';
import type { TaskBody } from '../../../../../src/contract/wire.ts';

const NOW = 10_000;
const DEADLINE = 20_000;
const DONE: Attempt = { kind: 'done', output: 1 };
const failed = (data?: Json): Attempt => ({
  kind: 'failed',
  error: { code: 'E1', message: 'no', ...(data === undefined ? {} : { data }) },
});
const FAILED = failed();
const asked = (kind: string, retryAfterMs?: number): Attempt =>
  failed({ failure: retryAfterMs === undefined ? { kind } : { kind, retryAfterMs } });
const OVERLOADED = asked('overloaded');
const FINAL = failed({ failure: { kind: 'permanent' } });

interface Given {
  readonly attempt: Attempt;
  /** Which attempt of the task it was. */
  readonly number?: number;
  readonly lost?: boolean;
  readonly stops?: boolean;
  readonly deadlineAt?: number;
  /** How often it waited before. */
  readonly waits?: number;
  /** Of these, for its limit. */
  readonly putOffs?: number;
  readonly random?: number;
  readonly now?: number;
  readonly retry?: Partial<typeof DEFAULT_RETRY>;
}

function next({ attempt, number = 1, lost = false, stops = false, ...given }: Given): Next {
  const { deadlineAt = DEADLINE, waits = 0, putOffs = 0, random = 1, now = NOW, retry = {} } = given;
  const signal = (aborted: boolean): AbortSignal => {
    const controller = new AbortController();
    if (aborted) controller.abort();
    return controller.signal;
  };
  return toNext(
    { body: { attempt: number } as TaskBody, lost: signal(lost), waits, putOffs },
    { family: 'f', deadlineAt },
    attempt,
    { now, random },
    { retry: { ...DEFAULT_RETRY, ...retry }, shutdown: signal(stops) },
  );
}

it.each<[string, Given, Partial<Next>]>([
  ['answers with what came', { attempt: DONE }, { kind: 'answer', family: 'f' }],
  ['answers what was done though the lock is lost', { attempt: DONE, lost: true }, { kind: 'answer' }],
  ['answers what was done though the host stops', { attempt: DONE, stops: true }, { kind: 'answer' }],
  ['leaves a failure to who has the lock', { attempt: FINAL, lost: true, stops: true }, { kind: 'lost' }],
  [
    'hands back what a stop ended',
    { attempt: FINAL, stops: true },
    { kind: 'handBack', deadlineAt: DEADLINE },
  ],
  [
    'waits longer before each attempt',
    { attempt: FAILED },
    { kind: 'retry', at: NOW + 1_000, deadlineAt: DEADLINE, attempt: 2, waits: 0 },
  ],
  ['twice as long before the third', { attempt: FAILED, number: 2 }, { kind: 'retry', at: NOW + 2_000 }],
  ['gives up after the last', { attempt: FAILED, number: 3 }, { kind: 'giveUp' }],
  ['gives up at once what fails the same way again', { attempt: FINAL }, { kind: 'giveUp' }],
  [
    'gives up at once what a person has to pay',
    { attempt: failed({ failure: { kind: 'account' } }) },
    { kind: 'giveUp' },
  ],
  ['gives up at once what says so itself', { attempt: failed({ retryable: false }) }, { kind: 'giveUp' }],
  [
    'gives up what would be due at its deadline',
    { attempt: FAILED, deadlineAt: NOW + 1_000 },
    { kind: 'giveUp' },
  ],
  ['or at once, or at any time between', { attempt: FAILED, random: 0.25 }, { kind: 'retry', at: NOW + 250 }],
  [
    'gives who is overloaded more time',
    { attempt: OVERLOADED },
    { kind: 'retry', at: NOW + 2_000, attempt: 2 },
  ],
  [
    'takes a limit for no failure of the attempt',
    { attempt: asked('throttled'), number: 3, waits: 1, random: 0 },
    { kind: 'retry', at: NOW + 1_000, attempt: 3, waits: 2 },
  ],
  [
    'and counts no wait for its own limit as one that was asked for',
    { attempt: asked('throttled'), waits: 7, putOffs: 6, random: 0 },
    { kind: 'retry', at: NOW + 1_000, waits: 8 },
  ],
  [
    'nor any wait that was asked for',
    { attempt: asked('overloaded', 5_000), number: 3, random: 0.5 },
    { kind: 'retry', at: NOW + 5_500, attempt: 3, waits: 1 },
  ],
  [
    'comes back before its deadline where it was asked to',
    { attempt: asked('throttled', 9_999), waits: 9 },
    { kind: 'retry', at: DEADLINE - 1 },
  ],
  [
    'gives up at once what may come back behind it',
    { attempt: asked('throttled', 10_000) },
    { kind: 'giveUp' },
  ],
  ['does not wait where it stops', { attempt: asked('throttled', 10), stops: true }, { kind: 'handBack' }],
  ['tries what is due before it', { attempt: FAILED, deadlineAt: NOW + 1_001 }, { kind: 'retry' }],
])('%s', (_name, given, expected) => {
  expect(next(given)).toMatchObject(expected);
});

it('says with an error how many attempts there were', () => {
  expect(next({ attempt: FINAL, number: 2 })).toMatchObject({ error: { code: 'E1', data: { attempts: 2 } } });
});

it('says with its own code that it would come too late, and what of', () => {
  expect(next({ attempt: asked('throttled', 120_000), number: 2 })).toMatchObject({
    error: {
      code: 'RETRY_AFTER_DEADLINE',
      message: 'to be tried again in 120000 ms at the earliest, 110000 ms behind its deadline: no',
      data: { code: 'E1', attempts: 2, failure: { kind: 'throttled', retryAfterMs: 120_000 } },
    },
  });
});

const seed = Number(process.env['QUORATE_TEST_SEED'] ?? Date.now() % 1_000_000);
console.info(`next.test: QUORATE_TEST_SEED=${seed}`);
const drawn = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

it('waits as long as it was asked to and not to its deadline, with the same attempt', () => {
  fc.assert(
    fc.property(fc.nat(200_000), fc.nat(200_000), fc.nat(2_000), drawn, (wait, left, waits, random) => {
      const then = next({
        attempt: asked('throttled', wait),
        number: 3,
        deadlineAt: NOW + left,
        waits,
        random,
      });
      if (wait >= left) return then.kind === 'giveUp';
      if (then.kind !== 'retry' || then.attempt !== 3 || then.waits !== waits + 1) return false;
      return then.at >= NOW + wait && then.at < NOW + left;
    }),
    { seed },
  );
});

it('is not asked for ever by who says “in a millisecond” for ever', () => {
  const HOUR = 3_600_000;
  const policy = fc.record({ backoffMs: fc.nat(2_000), maxBackoffMs: fc.nat(60_000) });
  fc.assert(
    fc.property(
      policy,
      fc.array(drawn, { minLength: 1, maxLength: 20 }),
      fc.nat(10),
      (retry, randoms, wait) => {
        let [now, waits] = [NOW, 0];
        for (;;) {
          const given = {
            waits,
            random: randoms[waits % randoms.length] ?? 0,
            deadlineAt: NOW + HOUR,
            retry,
          };
          const then = next({ attempt: asked('throttled', wait), now, ...given });
          if (then.kind !== 'retry') break;
          // Who is asked takes a millisecond to answer.
          now = Math.max(then.at, now + 1);
          waits = then.waits;
          // Some that double, one every 5 seconds, and some that halve what is left in the end.
          expect(waits).toBeLessThan(7 + HOUR / 5_000 + 25);
        }
        return now <= NOW + HOUR;
      },
    ),
    { seed },
  );
});

it('retries nothing at or behind its deadline, and not later than the longest pause', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.nat(200_000), drawn, (number, left, random) => {
      const then = next({ attempt: FAILED, number, deadlineAt: NOW + left, random });
      if (then.kind !== 'retry') return then.kind === 'giveUp';
      return (
        number < DEFAULT_RETRY.attempts && then.at < NOW + left && then.at <= NOW + DEFAULT_RETRY.maxBackoffMs
      );
    }),
    { seed },
  );
});

it('puts a retry off by what its budget says, and never to its deadline', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 50_000 }), drawn, (waitMs, left, random) => {
      const retry = next({ attempt: FAILED, random: 0, deadlineAt: NOW + left });
      if (retry.kind !== 'retry') return false;
      const then = putOff(retry, waitMs, random);
      if (then.kind !== 'retry') return false;
      return waitMs < left ? then.at === NOW + waitMs : then.at >= NOW && then.at < NOW + left;
    }),
    { seed },
  );
});
