// The two clocks of this process, read together.
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../contract/ports.ts';
import type { Instant } from './lease.ts';

export interface TimeSource {
  instant(): Instant;
}

export function createTimeSource(clock: Clock = { now: Date.now }): TimeSource {
  const { skips = false } = clock;
  return { instant: () => ({ monotonicMs: performance.now(), wallMs: clock.now(), skips }) };
}
