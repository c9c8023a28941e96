// A limit in words, for the log, for `quorate doctor` and for the command line.
import type { LimitConfig } from '../../../contract/config.ts';

export function describeSettings({ requestsPerMinute, tokensPerMinute, concurrent }: LimitConfig): string {
  const parts = [
    requestsPerMinute === undefined ? [] : `${grouped(requestsPerMinute)} requests a minute`,
    tokensPerMinute === undefined ? [] : `${grouped(tokensPerMinute)} tokens a minute`,
    concurrent === undefined ? [] : `${grouped(concurrent)} calls at once`,
  ].flat();
  return parts.length === 0 ? 'without a bound' : parts.join(', ');
}

function grouped(amount: number): string {
  return amount.toLocaleString('en-US');
}
