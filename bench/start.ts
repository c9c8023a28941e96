// How soon `npm start` says something, and how soon it is ready.
import { join } from 'node:path';
import { sampleArgs, startHost } from './host-process.ts';
import { type Bench, type Measurement, measurement } from './kit/measurement.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';
import { writeSourceFiles } from './source-files.ts';

const RUNS = 5;
const FILES = 3;
const LIMIT_MS = 60_000;
const TARGET_MS = 2_000;

export const start: Bench = {
  name: 'start',
  about: `from spawn of what \`npm start\` runs, on an empty data folder, ${RUNS} runs`,
  notMeasured: 'npm itself, which takes its own half second before it starts Node; a cold disk',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  const first: number[] = [];
  const banner: number[] = [];
  const ready: number[] = [];
  for (let round = 0; round < RUNS; round++) {
    await using folder = await temporaryFolder();
    const files = join(folder.path, 'files');
    await writeSourceFiles(files, FILES);
    const args = [
      ...sampleArgs('start', join(folder.path, 'data')),
      files,
      '--out',
      join(folder.path, 'out'),
    ];
    await using host = startHost(args, { cwd: folder.path, limitMs: LIMIT_MS });
    const [firstAt, bannerAt, readyAt] = await Promise.all([
      host.says(/\n/),
      host.says(/^stop .*\n/m),
      host.says(/^ready .*\n/m),
    ]);
    first.push(firstAt - host.startedAt);
    banner.push(bannerAt - host.startedAt);
    ready.push(readyAt - host.startedAt);
    host.kill('SIGTERM');
    await host.endsWith(0);
  }
  return [
    measurement('start.first-output', 'ms', first, TARGET_MS),
    measurement('start.banner', 'ms', banner, TARGET_MS),
    measurement('start.ready', 'ms', ready),
  ];
}
