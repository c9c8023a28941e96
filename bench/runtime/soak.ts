// `npm run bench soak [-- --minutes N]`: whether a host's memory and open links stay what they are, for as long as it runs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startBroker } from '../../packages/broker/bench/broker/server-process.ts';
import { type Bench, type Measurement, measurement, percentile } from '../kit/measurement.ts';
import { residentIn } from '../kit/process-tree.ts';
import { say } from '../kit/progress.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { type Host, startHost } from './host.ts';
import { type Load, startLoad } from './load.ts';

const MB = 1024 * 1024;
const MINUTES = 15;
const ROUND_SECONDS = 5;
const ACTORS = 100;
const PER_SECOND = 200;
/** New actors a round: they sleep when they have been started. */
const NEW_ACTORS = 100;
/** Of the rounds, not compared: caches fill, code is compiled. */
const WARM_UP_SHARE = 0.3;
const GROWTH_MB = 10;
const GROWTH_LINKS = 5;

export const soak: Bench = {
  name: 'soak',
  about: `${PER_SECOND} messages/s over ${ACTORS} actors and ${NEW_ACTORS / ROUND_SECONDS} new actors a second, for ${minutes()} minutes`,
  notMeasured: 'anything that takes longer than that to grow',
  run,
};

interface Sample {
  readonly rss: number;
  readonly heap: number;
  readonly links: number;
  readonly sockets: number;
}

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'soak');
  await using _broker = await startBroker(data);
  await using host = await startHost(data, { node: ['--expose-gc'] });
  await using load = await startLoad(data);
  await load.ask('start', 'w', ACTORS);
  const rounds = Math.max(4, Math.round((minutes() * 60) / ROUND_SECONDS));
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    await oneRound(load, round);
    samples.push(await sample(host));
    const { rss, heap, links, sockets } = samples.at(-1) as Sample;
    say(`${Math.round(rss / MB)} MB, heap ${(heap / MB).toFixed(1)} MB, ${links} links, ${sockets} sockets`);
  }
  const errors = await host.ask('errors');
  const late = samples.slice(Math.floor(samples.length * WARM_UP_SHARE));
  const growth = (pick: (one: Sample) => number): number => {
    const half = Math.ceil(late.length / 2);
    return median(late.slice(half).map(pick)) - median(late.slice(0, half).map(pick));
  };
  return [
    measurement('soak.rss-growth', 'MB', [growth(({ rss }) => rss / MB)], GROWTH_MB),
    measurement('soak.heap-growth', 'MB', [growth(({ heap }) => heap / MB)], GROWTH_MB),
    measurement('soak.link-growth', 'links', [growth(({ links }) => links)], GROWTH_LINKS),
    measurement('soak.socket-growth', 'sockets', [growth(({ sockets }) => sockets)], 1),
    measurement('soak.errors', '', [errors], 1),
  ];
}

async function oneRound(load: Load, round: number): Promise<void> {
  await Promise.all([
    load.ask('traffic', 'w', ACTORS, PER_SECOND, ROUND_SECONDS),
    load.ask('startMany', 'n', round * NEW_ACTORS, NEW_ACTORS),
  ]);
}

async function sample(host: Host): Promise<Sample> {
  const { heap, links } = await host.ask('memory');
  const status = readFileSync(`/proc/${host.pid}/status`, 'utf8');
  return { rss: residentIn(status), heap, links, sockets: readdirSync(`/proc/${host.pid}/fd`).length };
}

function median(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

function minutes(): number {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' } },
    strict: false,
    allowPositionals: true,
  });
  return typeof values.minutes === 'string' ? Number(values.minutes) : MINUTES;
}
