// The rates, each beside the raw loop in turn, so that both meet the same noise.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Measurement, measurement } from '../../kit/measurement.ts';
import { say } from '../../kit/progress.ts';
import type { Host } from '../host.ts';
import type { Load } from '../load.ts';
import type { Raw } from '../raw.ts';

const RUNS = 5;
const WARM_UPS = 1;
/** What the runtime may cost at most, where the machine is too slow for the absolute target. */
const SHARE_OF_RAW = 0.7;

const ACTORS = 100;
const BACKLOG = 20_000;
/** Each between two actors of its own. */
const BALLS = 50;
/** A host runs for days: through its first tens of thousands of turns V8 still compiles, and in a short run accepts weigh much. */
const BOUNCES = 600;
const STARTS = 1_000;
const QUIET_MS = 1_000;

export interface Stage {
  readonly host: Host;
  readonly raw: Raw;
  readonly load: Load;
}

interface Rate {
  readonly name: string;
  readonly atLeast: number;
  /** Operations per second of one run. */
  readonly ours: (stage: Stage, run: number) => Promise<number>;
  readonly raw: (stage: Stage, run: number) => Promise<number>;
}

const RATES: readonly Rate[] = [
  {
    name: 'applied.backlog',
    atLeast: 6_000,
    ours: ({ host, load }) => drain(host, BACKLOG, () => load.ask('work', 'w', ACTORS, BACKLOG)),
    raw: ({ raw, load }) => drain(raw, BACKLOG, () => load.ask('rawWork', ACTORS, BACKLOG)),
  },
  {
    name: 'applied.own-turn',
    atLeast: 3_000,
    ours: ({ host, load }) => drain(host, BALLS * BOUNCES, () => load.ask('bounce', 'b', BALLS, BOUNCES)),
    raw: ({ raw, load }) => drain(raw, BALLS * BOUNCES, () => load.ask('rawBounce', BALLS, BOUNCES)),
  },
  {
    name: 'new-actors',
    atLeast: 400,
    ours: ({ host, load }, run) => started(host, () => load.ask('start', `n${run}-`, STARTS)),
    raw: ({ raw, load }, run) => started(raw, () => load.ask('rawStart', `n${run}-`, STARTS)),
  },
];

export async function rates(stage: Stage): Promise<readonly Measurement[]> {
  await stage.load.ask('start', 'w', ACTORS);
  const players = ['a', 'b'].flatMap((side) => Array.from({ length: BALLS }, (_, at) => `b${at}${side}`));
  await stage.load.ask('startNamed', players);
  const measured: Measurement[] = [];
  for (const rate of RATES) {
    const perSecond = { raw: [] as number[], ours: [] as number[] };
    for (let run = -WARM_UPS; run < RUNS; run++) {
      const raw = await rate.raw(stage, run);
      const ours = await rate.ours(stage, run);
      say(`${rate.name}: ${Math.round(ours)}/s, raw ${Math.round(raw)}/s`);
      if (run < 0) continue;
      perSecond.raw.push(raw);
      perSecond.ours.push(ours);
    }
    const baseline = measurement(`runtime.${rate.name}.raw`, '/s', perSecond.raw);
    const target = Math.min(rate.atLeast, SHARE_OF_RAW * (baseline.value ?? 0));
    measured.push(measurement(`runtime.${rate.name}`, '/s', perSecond.ours, target, 'at least'), baseline);
  }
  return measured;
}

/** What piled up while it stood still is applied; the clock starts when it goes on. */
async function drain(
  applier: Pick<Host | Raw, 'ask' | 'pause' | 'resume'>,
  count: number,
  pileUp: () => Promise<unknown>,
): Promise<number> {
  // Settlements of the run before have arrived, and no session is held: a lock would not outlast a long stop.
  await sleep(QUIET_MS);
  const before = await (applier as Raw).ask('applied');
  applier.pause();
  await pileUp();
  const reached = (applier as Raw).ask('untilApplied', before + count);
  const from = applier.resume();
  return (count * 1000) / ((await reached) - from);
}

/** From the first call to the last first commit. */
async function started(applier: Host | Raw, start: () => Promise<number>): Promise<number> {
  const before = await (applier as Raw).ask('applied');
  const reached = (applier as Raw).ask('untilApplied', before + STARTS);
  const from = await start();
  return (STARTS * 1000) / ((await reached) - from);
}
