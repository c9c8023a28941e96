// The same work by each peer in turn, ours first, and what ours is held to.

import { type Measurement, measurement } from '../../kit/measurement.ts';
import { say } from '../../kit/progress.ts';
import type { Taken } from '../load.ts';
import type { Peer, RunningPeer } from './peer.ts';

const RUNS = 5;
/** Long ones, as each peer runs for days: engines compile what they run often. */
const WARM_UPS = 1;
const ITEMS = 100;

interface Work {
  readonly name: string;
  readonly run: (peer: RunningPeer) => Promise<Taken>;
  /** How many times a peer's rate ours is to reach. */
  readonly times: number;
}

const WORKS: readonly Work[] = [
  { name: 'steps', run: (peer) => peer.steps(8_000, 50), times: 5 },
  { name: 'sagas', run: (peer) => peer.sagas(600, 50), times: 2 },
  { name: 'scatters', run: (peer) => peer.scatters(ITEMS, 80, 4), times: 2 },
];

export async function compare(
  folder: string,
  ours: Peer,
  others: readonly Peer[],
): Promise<readonly Measurement[]> {
  await using stack = new AsyncDisposableStack();
  const running: { name: string; peer: RunningPeer }[] = [];
  for (const { name, start } of [ours, ...others])
    running.push({ name, peer: stack.use(await start(folder)) });
  const measured: Measurement[] = [];
  for (const { name: work, run, times } of WORKS) {
    const taken = new Map<string, Taken[]>(running.map(({ name }) => [name, []]));
    for (let round = -WARM_UPS; round < RUNS; round++) {
      for (const { name, peer } of running) {
        const one = await run(peer);
        say(`${work}, ${name}: ${one.perSecond.toFixed(1)}/s, p50 ${one.p50.toFixed(1)} ms`);
        if (round >= 0) taken.get(name)?.push(one);
      }
    }
    const best = (pick: (one: Taken) => number, choose: (...values: number[]) => number): number =>
      choose(
        ...others.map(
          ({ name }) => measurement('', '', (taken.get(name) ?? []).map(pick)).value ?? Number.NaN,
        ),
      );
    for (const [name, runs] of taken) {
      const isOurs = name === ours.name;
      const rate = isOurs ? times * best(({ perSecond }) => perSecond, Math.max) : null;
      const p50 = isOurs ? best((one) => one.p50, Math.min) : null;
      const label = `runtime.peers.${name}.${work}`;
      measured.push(
        measurement(
          label,
          '/s',
          runs.map(({ perSecond }) => perSecond),
          rate,
          'at least',
        ),
        measurement(
          `${label}.p50`,
          'ms',
          runs.map((one) => one.p50),
          p50,
        ),
      );
    }
  }
  return measured;
}
