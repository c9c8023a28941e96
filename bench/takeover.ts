// Two processes on one data folder; the one that owns the broker is killed. How long until the other serves again.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../src/client/connect.ts';
import type { QuorateClient } from '../src/contract/client.ts';
import { readRuns, writeGatherApplication } from './application.ts';
import { startHost } from './host-process.ts';
import { type Bench, type Measurement, measurement } from './kit/measurement.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';

const RUNS = 5;
const TASKS = 1_500;
const LIMIT_MS = 90_000;
/** Of everything: actors, agents and queries. */
const TARGET_MS = 3_000;
/** A task that is begun sooner was on its way already: a guest looks twice, half a second apart, before it takes over. */
const ON_ITS_WAY_MS = 500;
const ASK_EVERY_MS = 100;
const ASK_TIMEOUT_MS = 30_000;

export const takeover: Bench = {
  name: 'takeover',
  about: `owner of the broker killed with -9 in the middle of a gather of ${TASKS} tasks, ${RUNS} runs`,
  notMeasured:
    'a machine that dies: both processes are on one; a namespace, where there is nothing to take over',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  const runs: Run[] = [];
  for (let round = 0; round < RUNS; round++) runs.push(await once());
  return [
    measurement(
      'takeover.query-answered',
      'ms',
      runs.map(({ answered }) => answered),
      TARGET_MS,
    ),
    measurement(
      'takeover.gather-goes-on',
      'ms',
      runs.map(({ goesOn }) => goesOn),
      TARGET_MS,
    ),
    measurement(
      'takeover.agents-served',
      'ms',
      runs.map(({ served }) => served),
      TARGET_MS,
    ),
    measurement(
      'takeover.agents-served.slowest',
      'ms',
      [Math.max(...runs.map(({ served }) => served))],
      TARGET_MS,
    ),
    measurement(
      'takeover.gather-complete',
      'ms',
      runs.map(({ done }) => done),
    ),
  ];
}

interface Run {
  readonly answered: number;
  readonly goesOn: number;
  /** Until an agent began a task that the new broker handed out. */
  readonly served: number;
  readonly done: number;
}

async function once(): Promise<Run> {
  await using folder = await temporaryFolder();
  const args = ['start', '--config', await writeGatherApplication(folder.path), '--port', '0'];
  const options = { cwd: folder.path, limitMs: LIMIT_MS };
  await using owner = startHost(args, options);
  await owner.says(/^machines .*\n/m);
  await using guest = startHost(args, options);
  await guest.says(/^machines .*\n/m);
  const client = await connect({ data: join(folder.path, '.quorate'), env: {} });
  try {
    const items = Array.from({ length: TASKS }, (_, at) => at);
    await client.start('all', { id: 'g', input: { items } as never });
    while ((await askOnce(client)) < TASKS / 4) await sleep(ASK_EVERY_MS);
    owner.kill('SIGKILL');
    await owner.ended;
    const killedAt = performance.now();
    const killedOn = Date.now();
    const since = (): number => performance.now() - killedAt;
    const first = await askUntil(client, () => true);
    const answered = since();
    await askUntil(client, (count) => count > first);
    const goesOn = since();
    const output = await client.result('all', 'g', { timeoutMs: LIMIT_MS });
    const { ok } = output as unknown as { readonly ok: number };
    if (ok !== TASKS) throw new Error(`${ok} of ${TASKS} tasks were answered`);
    const done = since();
    const begun = (await readRuns(folder.path)).find((at) => at >= killedOn + ON_ITS_WAY_MS);
    if (begun === undefined) throw new Error('no agent was served after the kill');
    return { answered, goesOn, served: begun - killedOn, done };
  } finally {
    await client.close();
  }
}

/** Replies that the gather has accepted. */
async function askOnce(client: QuorateClient): Promise<number> {
  const { gathers } = await client.query('all', 'g', { timeoutMs: ASK_TIMEOUT_MS });
  return gathers[0]?.ok ?? TASKS;
}

/** Asks anew all the time, whether the last question was answered or not, and gives the first answer that will do. */
async function askUntil(client: QuorateClient, wanted: (count: number) => boolean): Promise<number> {
  const found = Promise.withResolvers<number>();
  const ask = async (): Promise<void> => {
    const count = await askOnce(client).catch(() => undefined);
    if (count !== undefined && wanted(count)) found.resolve(count);
  };
  const asking = setInterval(() => void ask(), ASK_EVERY_MS);
  const limit = setTimeout(() => found.reject(new Error('nobody took over')), LIMIT_MS);
  try {
    return await found.promise;
  } finally {
    clearInterval(asking);
    clearTimeout(limit);
  }
}
