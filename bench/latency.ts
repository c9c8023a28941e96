// From a client's `send` to the commit of the turn that it causes, with client and host in two processes.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../src/client/connect.ts';
import { writeCounterApplication } from './application.ts';
import { type Commit, readCommits } from './commits.ts';
import { startHost } from './host-process.ts';
import { type Bench, type Measurement, measurement, percentile } from './measurement.ts';
import { temporaryFolder } from './temporary-folder.ts';

const ACTORS = 10;
const EVENTS = 1_000;
const EVENTS_PER_SECOND = 100;
/** Sent before, not counted: connections, compiled code. */
const WARM_UP = 200;
const LIMIT_MS = 90_000;

export const latency: Bench = {
  name: 'latency',
  about: `${EVENTS} events to ${ACTORS} actors at ${EVENTS_PER_SECOND} a second, embedded broker`,
  notMeasured: 'a namespace on the network; load near saturation',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const commits = join(folder.path, 'commits.log');
  const config = await writeCounterApplication(folder.path);
  const options = { cwd: folder.path, commits, limitMs: LIMIT_MS };
  await using host = startHost(['start', '--config', config, '--port', '0'], options);
  await host.says(/^machines .*\n/m);
  const client = await connect({ data: join(folder.path, '.quorate'), env: {} });
  const sentAt: number[][] = Array.from({ length: ACTORS }, () => []);
  const accepted: Promise<void>[] = [];
  try {
    for (let actor = 0; actor < ACTORS; actor++) await client.start('counter', { id: `a${actor}` });
    const beganAt = performance.now();
    for (let number = 0; number < WARM_UP + EVENTS; number++) {
      const due = beganAt + (number * 1000) / EVENTS_PER_SECOND;
      await sleep(Math.max(0, due - performance.now()));
      const actor = number % ACTORS;
      sentAt[actor]?.push(performance.timeOrigin + performance.now());
      accepted.push(client.send('counter', `a${actor}`, { type: 'add', by: 1 }));
    }
    await Promise.all(accepted);
    await Promise.all(sentAt.map((sent, actor) => untilApplied(client, actor, sent.length)));
  } finally {
    await client.close();
  }
  host.kill('SIGTERM');
  await host.endsWith(0);
  const all = await readCommits(commits);
  const taken = sentAt
    .flatMap((sent, actor) =>
      latencies(
        sent,
        all.filter((commit) => commit.actor === `counter/a${actor}`),
      ),
    )
    .sort((a, b) => a - b);
  return [
    measurement('latency.send-to-commit.p50', 'ms', [percentile(taken, 0.5)]),
    measurement('latency.send-to-commit.p99', 'ms', [percentile(taken, 0.99)]),
  ];
}

async function untilApplied(
  client: Awaited<ReturnType<typeof connect>>,
  actor: number,
  events: number,
): Promise<void> {
  const count = async (): Promise<unknown> =>
    ((await client.query('counter', `a${actor}`)).context as { readonly count: number }).count;
  while ((await count()) !== events) await sleep(20);
}

/** The start is an actor's first turn, the nth event its next: it is committed by the first commit that has got so far. */
function latencies(sent: readonly number[], commits: readonly Commit[]): number[] {
  return sent.slice(WARM_UP / ACTORS).map((at, index) => {
    const turn = 1 + WARM_UP / ACTORS + index + 1;
    const commit = commits.find((one) => one.turn >= turn);
    if (commit === undefined) throw new Error(`turn ${turn} was never committed`);
    return commit.at - at;
  });
}
