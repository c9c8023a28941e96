// What a reply costs in a large gather against a small one, and what the gather keeps (I12).
import { join } from 'node:path';
import { startBroker } from '../packages/broker/bench/broker/server-process.ts';
import { readCommits } from './commits.ts';
import { type Bench, type Measurement, measurement } from './kit/measurement.ts';
import { say } from './kit/progress.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';
import { declareEntities } from './runtime/entities.ts';
import { startHost } from './runtime/host.ts';
import { startLoad } from './runtime/load.ts';

const SMALL = 100;
const LARGE = 10_000;
const RUNS = 5;
/** So many small gathers one after the other are one run: a single one is over in a tenth of a second. */
const SMALL_IN_A_RUN = 10;
const DEAREST = 1.5;
const MAX_STATE_KB = 256;
const COMMIT_LOG = new URL('./commit-log.js', import.meta.url).href;

export const fanin: Bench = {
  name: 'fanin',
  about: `a scatter to ${LARGE} tasks that do nothing and the gather of their replies, against ones of ${SMALL}; host, \`quorate broker\` on disk and client in a process each, medians of ${RUNS}`,
  notMeasured: 'tasks that take time; large replies',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  await using _broker = await startBroker(data);
  return [...(await costs(data)), ...(await sizes(data, join(folder.path, 'commits.log')))];
}

async function costs(data: string): Promise<readonly Measurement[]> {
  await using _host = await startHost(data);
  await declareEntities(data);
  await using load = await startLoad(data);
  await load.ask('scatters', 'warm-up-', SMALL, SMALL_IN_A_RUN, 1);
  const small: number[] = [];
  const large: number[] = [];
  for (let attempt = 0; attempt < RUNS; attempt++) {
    small.push(microseconds(await load.ask('scatters', `s${attempt}-`, SMALL, SMALL_IN_A_RUN, 1), SMALL));
    large.push(microseconds(await load.ask('scatters', `l${attempt}-`, LARGE, 1, 1), LARGE));
    say(
      `fan-in: ${small.at(-1)?.toFixed(0)} us a reply of ${SMALL}, ${large.at(-1)?.toFixed(0)} us of ${LARGE}`,
    );
  }
  const ratios = large.map((cost, at) => cost / (small[at] ?? Number.NaN));
  return [
    measurement(`fanin.${SMALL}.per-reply`, 'us', small),
    measurement(`fanin.${LARGE}.per-reply`, 'us', large),
    measurement('fanin.per-reply.growth', 'x', ratios, DEAREST),
  ];
}

function microseconds({ perSecond }: { readonly perSecond: number }, branches: number): number {
  return 1e6 / (perSecond * branches);
}

/** Apart from the costs: the log of commits takes time. */
async function sizes(data: string, commits: string): Promise<readonly Measurement[]> {
  process.env['QUORATE_BENCH_COMMITS'] = commits;
  await using _host = await startHost(data, { node: ['--import', COMMIT_LOG] });
  delete process.env['QUORATE_BENCH_COMMITS'];
  await using load = await startLoad(data);
  await load.ask('scatters', 'log-', LARGE, 1, 1);
  const logged = await readCommits(commits);
  const largest = Math.max(...logged.map(({ bytes }) => bytes));
  return [
    measurement(`fanin.${LARGE}.state`, 'KB', [largest / 1024], MAX_STATE_KB),
    measurement(`fanin.${LARGE}.commits`, '', [logged.length]),
  ];
}
