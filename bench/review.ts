// The sample application on 2,000 files: what a whole review costs in memory, state and time.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { readCommits } from './commits.ts';
import { sampleArgs, startHost } from './host-process.ts';
import { type Bench, type Measurement, measurement } from './kit/measurement.ts';
import { watchMemory } from './kit/process-tree.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';
import { writeSourceFiles } from './source-files.ts';

const FILES = 2_000;
/** One task per file and reviewer. */
const REVIEWERS = 4;
const LIMIT_MS = 600_000;
const MB = 1024 * 1024;
const KB = 1024;
const TARGET_MB = 512;
const TARGET_STATE_KB = 256;

export const review: Bench = {
  name: 'review',
  about: `one review of ${FILES} generated files, ${FILES * REVIEWERS} tasks, in one process and its MCP server`,
  notMeasured: 'model calls, a namespace on the network; pages that processes share are counted in each',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const [files, out, data, commits] = ['files', 'out', 'data', 'commits.log'].map((name) =>
    join(folder.path, name),
  ) as [string, string, string, string];
  await writeSourceFiles(files, FILES);
  const args = [...sampleArgs('demo', data), files, '--out', out];
  await using host = startHost(args, { cwd: folder.path, commits, limitMs: LIMIT_MS });
  const memory = watchMemory(host.pid);
  await host.endsWith(0);
  const seconds = (performance.now() - host.startedAt) / 1000;
  const used = memory.stop();
  await checkReport(join(out, 'report.json'));
  const states = (await readCommits(commits)).map(({ bytes }) => bytes / KB);
  return [
    measurement('review.peak-rss', 'MB', used === undefined ? [] : [used.peak / MB], TARGET_MB),
    ...(used?.peakByProcess ?? []).map((bytes, at) =>
      measurement(at === 0 ? 'review.peak-rss.main' : `review.peak-rss.child-${at}`, 'MB', [bytes / MB]),
    ),
    measurement('review.largest-state', 'KB', [Math.max(...states)], TARGET_STATE_KB),
    measurement('review.commits', 'commits', [states.length]),
    measurement('review.wall', 's', [seconds]),
    measurement('review.tasks-per-second', 'tasks/s', [(FILES * REVIEWERS) / seconds]),
  ];
}

/** A fast review that reviewed nothing is no result. */
async function checkReport(path: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  if (!text.includes('file-0.ts')) throw new Error(`${path} knows nothing of the files under review`);
}
