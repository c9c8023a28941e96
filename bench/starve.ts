// Three hosts with the shortest locks while others take the processor from them: what they get done must follow their share
// of it, and no session may lose its lock again and again.
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { processorSecondsOf, startBroker } from '../packages/broker/bench/broker/server-process.ts';
import { startNeighbours } from '../test/kit/neighbours.ts';
import { readCommits } from './commits.ts';
import { type Bench, type Measurement, measurement } from './kit/measurement.ts';
import { say } from './kit/progress.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';
import { type Host, type Loss, startHost } from './runtime/host.ts';
import { startLoad } from './runtime/load.ts';

const HOSTS = 3;
const LOCK_MS = 5_000;
const ACTORS = 1_000;
const MESSAGES = 4_000;
const NEIGHBOURS = 16;
/** Of the hosts and the broker: a third of a neighbour's weight. */
const NICE = 5;
const LOOK_EVERY_MS = 250;
/** A backlog that is not gone by then is measured as far as it came. */
const LIMIT_MS = 180_000;
/** Of the messages that the same processor time did in quiet. */
const LEAST = 0.5;
const COMMIT_LOG = new URL('./commit-log.js', import.meta.url).href;

export const starve: Bench = {
  name: 'starve',
  about: `${MESSAGES} messages for ${ACTORS} actors on ${HOSTS} hosts with locks of ${LOCK_MS / 1_000} s, beside ${NEIGHBOURS} busy neighbours`,
  notMeasured: 'neighbours that take memory or the disk; agents',
  run,
};

interface Phase {
  readonly perSecond: number;
  /** Of hosts and broker together. */
  readonly perProcessorSecond: number;
  readonly share: number;
}

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'starve');
  const log = join(folder.path, 'commits');
  await using broker = await startBroker(data);
  await using hosts = await startHosts(data, log);
  await using load = await startLoad(data);
  const pids = [broker.pid, ...hosts.all.map(({ pid }) => pid)];
  await load.ask('start', 's', ACTORS);

  const phase = async (): Promise<Phase> => {
    for (const host of hosts.all) host.pause();
    await load.ask('work', 's', ACTORS, MESSAGES);
    const before = readCounts(pids);
    for (const host of hosts.all) host.resume();
    const target = (await applied(hosts.all)) + MESSAGES;
    const from = await applied(hosts.all);
    const startedAt = performance.now();
    let done = 0;
    while (done < MESSAGES && performance.now() - startedAt < LIMIT_MS) {
      await sleep(LOOK_EVERY_MS);
      done = (await applied(hosts.all)) - from;
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const spent = readCounts(pids) - before;
    say(
      `${done} of ${target - from} in ${seconds.toFixed(1)} s with ${spent.toFixed(1)} s of processor time`,
    );
    return { perSecond: done / seconds, perProcessorSecond: done / spent, share: spent / seconds };
  };
  await phase();
  const quiet = await phase();
  const lostBefore = (await lossesOf(hosts.all)).length;
  for (const pid of pids) setPriority(pid, NICE);
  const starved = await beside(phase);
  const losses = (await lossesOf(hosts.all)).slice(lostBefore);
  const again = lostAgain(losses, await readCommits(log));
  return [
    measurement('starve.quiet', 'messages/s', [quiet.perSecond]),
    measurement('starve.starved', 'messages/s', [starved.perSecond]),
    measurement('starve.processor-share', 'of quiet', [starved.share / quiet.share]),
    measurement(
      'starve.done-of-share',
      'of quiet',
      [starved.perProcessorSecond / quiet.perProcessorSecond],
      LEAST,
      'at least',
    ),
    measurement('starve.locks-lost', '', [losses.length]),
    measurement('starve.lost-twice-in-a-row', '', [again], 1),
  ];
}

async function startHosts(
  data: string,
  log: string,
): Promise<AsyncDisposable & { readonly all: readonly Host[] }> {
  const node = ['--import', COMMIT_LOG];
  const env = { QUORATE_BENCH_COMMITS: log };
  const all: Host[] = [];
  for (let n = 0; n < HOSTS; n++) all.push(await startHost(data, { lockMs: LOCK_MS, node, env }));
  return {
    all,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((host) => host[Symbol.asyncDispose]()));
    },
  };
}

function readCounts(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processorSecondsOf(pid), 0);
}

async function applied(hosts: readonly Host[]): Promise<number> {
  const counts = await Promise.all(hosts.map((host) => host.ask('applied')));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function lossesOf(hosts: readonly Host[]): Promise<Loss[]> {
  const each = await Promise.all(hosts.map((host) => host.ask('losses')));
  return each.flat().toSorted((a, b) => a.at - b.at);
}

/** Losses of a session that has committed nothing since its last one. */
function lostAgain(losses: readonly Loss[], commits: readonly { at: number; actor: string }[]): number {
  const commitsOf = Map.groupBy(commits, ({ actor }) => actor.slice(actor.indexOf('/') + 1));
  let again = 0;
  for (const lost of Map.groupBy(losses, ({ session }) => session).values()) {
    lost.forEach((loss, nth) => {
      const last = lost[nth - 1];
      if (last === undefined) return;
      const between = (commitsOf.get(loss.session) ?? []).some(({ at }) => at > last.at && at < loss.at);
      if (!between) again += 1;
    });
  }
  return again;
}

async function beside<T>(work: () => Promise<T>): Promise<T> {
  await using _neighbours = startNeighbours(NEIGHBOURS, 2 * LIMIT_MS);
  return await work();
}
