// The host's memory: what actors cost that sleep, and what those do that are all awake.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBroker } from '../../../packages/broker/bench/broker/server-process.ts';
import { type Measurement, measurement } from '../../kit/measurement.ts';
import { watchMemory } from '../../kit/process-tree.ts';
import { progressOf } from '../../kit/progress.ts';
import { declareEntities } from '../entities.ts';
import { startHost } from '../host.ts';
import { startLoad } from '../load.ts';
import { startFloor } from '../raw.ts';

const MB = 1024 * 1024;
/** First, not counted: caches, compiled code, the heap's own size. They take 7 MB from the 10,000th to the 30,000th. */
const WARM_UP = 30_000;
const SLEEPERS = 100_000;
const SLICE = 5_000;
/** Idle sessions are let go within a second. */
const ASLEEP_MS = 3_000;
const SLEEPERS_MB = 5;

const ACTIVE = 1_000;
const BOUNCES = 80;
const ACTIVE_MB = 250;
/** As many for both, so that the one can be held against the other. */
const EMBEDDED_BOUNCES = 20;
const EMBEDDED_RATIO = 1.25;
/**
 * What the command line sets for its own process (bin/quorate.js). That says `--semi-space-growth-factor=1`, which V8 follows
 * once it runs and not on its command line.
 */
const SMALL = {
  node: ['--max-semi-space-size=1', '--heap-growing-percent=30'],
  env: { MALLOC_MMAP_THRESHOLD_: '32768', MALLOC_TRIM_THRESHOLD_: '131072' },
};

export async function memory(folder: string): Promise<readonly Measurement[]> {
  return [
    measurement('runtime.rss.1000-active', 'MB', await active(join(folder, 'active'), SMALL), ACTIVE_MB),
    ...(await embedded(folder)),
    ...(await sleepers(join(folder, 'sleepers'))),
  ];
}

/** A service that embeds the runtime, beside the bare SDK under the same load, both with V8's defaults. */
async function embedded(folder: string): Promise<readonly Measurement[]> {
  const service = await active(join(folder, 'embedded'), {}, EMBEDDED_BOUNCES);
  const sdk = await floor(join(folder, 'floor'), EMBEDDED_BOUNCES);
  const ratios = service.flatMap((peak) => sdk.map((least) => peak / least));
  return [
    measurement('runtime.rss.1000-active.embedded', 'MB', service),
    measurement('runtime.rss.1000-active.sdk', 'MB', sdk),
    measurement('runtime.rss.1000-active.embedded/sdk', 'x', ratios, EMBEDDED_RATIO),
  ];
}

/** The peak in MB, none where it cannot be measured. Two and two play with a ball, so that each is held all the time. */
async function active(
  data: string,
  settings: Partial<typeof SMALL>,
  bounces = BOUNCES,
): Promise<readonly number[]> {
  await using _broker = await startBroker(data);
  await using host = await startHost(data, { sessions: ACTIVE, ...settings });
  await using load = await startLoad(data);
  const balls = ACTIVE / 2;
  const players = ['a', 'b'].flatMap((side) => Array.from({ length: balls }, (_, at) => `p${at}${side}`));
  await load.ask('startNamed', players);
  const before = await host.ask('applied');
  const watch = watchMemory(host.pid);
  await load.ask('bounce', 'p', balls, bounces);
  await host.ask('untilApplied', before + balls * bounces);
  const used = watch.stop();
  return used === undefined ? [] : [used.peak / MB];
}

/** The same with nothing but the SDK. */
async function floor(data: string, bounces: number): Promise<readonly number[]> {
  await using _broker = await startBroker(data);
  await declareEntities(data);
  await using load = await startLoad(data);
  await using sdk = await startFloor(data, ACTIVE);
  const watch = watchMemory(sdk.pid);
  const balls = ACTIVE / 2;
  await load.ask('rawBounce', balls, bounces);
  await sdk.ask('untilApplied', balls * bounces);
  const used = watch.stop();
  return used === undefined ? [] : [used.peak / MB];
}

async function sleepers(data: string): Promise<readonly Measurement[]> {
  await using _broker = await startBroker(data);
  await using host = await startHost(data, { ...SMALL, node: ['--expose-gc', ...SMALL.node] });
  await using load = await startLoad(data);
  await load.ask('startMany', 'w', 0, WARM_UP);
  await sleep(ASLEEP_MS);
  const before = await host.ask('memory');
  const progress = progressOf('sleeping actors', SLEEPERS);
  for (let from = 0; from < SLEEPERS; from += SLICE) {
    await load.ask('startMany', 's', from, SLICE);
    progress(from + SLICE);
  }
  await sleep(ASLEEP_MS);
  const after = await host.ask('memory');
  return [
    measurement('runtime.sleepers.heap', 'MB', [(after.heap - before.heap) / MB], SLEEPERS_MB),
    measurement('runtime.sleepers.rss', 'MB', [(after.rss - before.rss) / MB], SLEEPERS_MB),
  ];
}
