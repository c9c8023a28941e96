// Operations with their times, so many in flight.
import { performance } from 'node:perf_hooks';
import { inFlight } from '../../packages/broker/bench/broker/work/messages.ts';
import { percentile } from '../kit/measurement.ts';
import type { Taken } from './load.ts';

export async function timed(
  width: number,
  count: number,
  operation: (index: number) => Promise<unknown>,
): Promise<Taken> {
  const took: number[] = [];
  const seconds = await inFlight(width, count, async (index) => {
    const from = performance.now();
    await operation(index);
    took.push(performance.now() - from);
  });
  took.sort((a, b) => a - b);
  return { perSecond: count / seconds, p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
}
