// From a client's `send` to the commit of its turn, under the traffic that the issue of speed names.

import { type Measurement, measurement, percentile } from '../../kit/measurement.ts';
import { sendToCommit } from '../../latency.ts';

const RUNS = 5;
const TRAFFIC = { actors: 100, events: 2_000, perSecond: 200, warmUp: 400 } as const;
const P50_MS = 10;
const P99_MS = 50;

export async function latency(): Promise<readonly Measurement[]> {
  const runs: number[][] = [];
  for (let run = 0; run < RUNS; run++) runs.push(await sendToCommit(TRAFFIC));
  const rank = (share: number): number[] => runs.map((taken) => percentile(taken, share));
  return [
    measurement('runtime.send-to-commit.p50', 'ms', rank(0.5), P50_MS),
    measurement('runtime.send-to-commit.p99', 'ms', rank(0.99), P99_MS),
  ];
}
