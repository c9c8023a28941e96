import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { toNext } from '../../../../../src/actors/agents/task/next.ts';
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
const FINAL = failed({ failure: { kind: 'permanent' } });

interface Given {
  readonly attempt: Attempt;
  /** Which attempt of the task it was. */
  readonly number?: number;
  readonly lost?: boolean;
  readonly stops?: boolean;
  readonly deadlineAt?: number;
}

function next({ attempt, number = 1, lost = false, stops = false, deadlineAt = DEADLINE }: Given): Next {
  const signal = (aborted: boolean): AbortSignal => {
    const controller = new AbortController();
    if (aborted) controller.abort();
    return controller.signal;
  };
  return toNext(
    { body: { attempt: number } as TaskBody, lost: signal(lost) },
    { family: 'f', deadlineAt },
    attempt,
    NOW,
    { retry: DEFAULT_RETRY, shutdown: signal(stops) },
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
    { kind: 'retry', at: NOW + 1_000, deadlineAt: DEADLINE },
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
  ['tries what is due before it', { attempt: FAILED, deadlineAt: NOW + 1_001 }, { kind: 'retry' }],
])('%s', (_name, given, expected) => {
  expect(next(given)).toMatchObject(expected);
});

it('says with an error how many attempts there were', () => {
  expect(next({ attempt: FINAL, number: 2 })).toMatchObject({ error: { code: 'E1', data: { attempts: 2 } } });
});

it('retries nothing at or behind its deadline, and not later than the longest pause', () => {
  const seed = Number(process.env['QUORATE_TEST_SEED'] ?? Date.now() % 1_000_000);
  console.info(`next.test: QUORATE_TEST_SEED=${seed}`);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.nat(200_000), (number, left) => {
      const then = next({ attempt: FAILED, number, deadlineAt: NOW + left });
      if (then.kind !== 'retry') return then.kind === 'giveUp';
      return (
        number < DEFAULT_RETRY.attempts && then.at < NOW + left && then.at <= NOW + DEFAULT_RETRY.maxBackoffMs
      );
    }),
    { seed },
  );
});
