import { expect, it } from 'vitest';
import { describeLimits } from '../../../../src/cli/commands/limits.ts';
import type { LimitStatus } from '../../../../src/contract/limits.ts';

const status: LimitStatus = {
  settings: { requestsPerMinute: 600, tokensPerMinute: 200_000 },
  revision: 0,
  stopped: false,
  pausedMs: 0,
  breaker: 'closed',
  used: 1,
  processes: 3,
};

it('shows what counts of each limit, and why nothing begins where that is so', () => {
  const paused = { ...status, settings: { concurrent: 4 }, pausedMs: 6_200, used: 0.54 };
  const found = [
    ['gpt-5', status],
    ['mail', paused],
    ['search', { ...paused, breaker: 'open' }],
    ['stopped', { ...paused, stopped: true, revision: 12 }],
  ] as const;
  expect(describeLimits(found)).toEqual([
    'limit    allowed                                         revision   used  processes  state',
    'gpt-5    600 requests a minute, 200,000 tokens a minute         0  100 %          3  open for calls',
    'mail     4 calls at once                                        0   54 %          3  paused for 7 s',
    'search   4 calls at once                                        0   54 %          3  breaker open',
    'stopped  4 calls at once                                       12   54 %          3  stopped',
  ]);
  expect(describeLimits([])).toEqual(['no process has asked for a limit yet']);
});
