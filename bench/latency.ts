// From a client's `send` to the commit of the turn that it causes, with client and host in two processes.
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../src/client/connect.ts';
import { writeCounterApplication } from './application.ts';
import { type Commit, readCommits } from './commits.ts';
import { startHost } from './host-process.ts';
import { type Bench, type Measurement, measurement, percentile } from './kit/measurement.ts';
import { temporaryFolder } from './kit/temporary-folder.ts';

const LIMIT_MS = 90_000;

export interface Traffic {
  readonly actors: number;
  readonly events: number;
  readonly perSecond: number;
  /** Sent before, not counted: connections, compiled code. A multiple of the actors. */
  readonly warmUp: number;
}

const TRAFFIC: Traffic = { actors: 10, events: 1_000, perSecond: 100, warmUp: 200 };

export const latency: Bench = {
  name: 'latency',
  about: `${TRAFFIC.events} events to ${TRAFFIC.actors} actors at ${TRAFFIC.perSecond} a second, embedded broker`,
  notMeasured: 'a namespace on the network; load near saturation',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  const taken = await sendToCommit(TRAFFIC);
  return [
    measurement('latency.send-to-commit.p50', 'ms', [percentile(taken, 0.5)]),
    measurement('latency.send-to-commit.p99', 'ms', [percentile(taken, 0.99)]),
  ];
}

/** In ms, ascending. */
export async function sendToCommit({ actors, events, perSecond, warmUp }: Traffic): Promise<number[]> {
  await using folder = await temporaryFolder();
  const commits = join(folder.path, 'commits.log');
  const config = await writeCounterApplication(folder.path);
  const options = { cwd: folder.path, commits, limitMs: LIMIT_MS };
  await using host = startHost(['start', '--config', config, '--port', '0'], options);
  await host.says(/^machines .*\n/m);
  const client = await connect({ data: join(folder.path, '.quorate'), env: {} });
  const sentAt: number[][] = Array.from({ length: actors }, () => []);
  const accepted: Promise<void>[] = [];
  try {
    for (let actor = 0; actor < actors; actor++) await client.start('counter', { id: `a${actor}` });
    const beganAt = performance.now();
    for (let number = 0; number < warmUp + events; number++) {
      const due = beganAt + (number * 1000) / perSecond;
      await sleep(Math.max(0, due - performance.now()));
      const actor = number % actors;
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
  return sentAt
    .flatMap((sent, actor) =>
      latencies(
        sent,
        all.filter((commit) => commit.actor === `counter/a${actor}`),
        warmUp / actors,
      ),
    )
    .sort((a, b) => a - b);
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
function latencies(sent: readonly number[], commits: readonly Commit[], skipped: number): number[] {
  return sent.slice(skipped).map((at, index) => {
    const turn = 1 + skipped + index + 1;
    const commit = commits.find((one) => one.turn >= turn);
    if (commit === undefined) throw new Error(`turn ${turn} was never committed`);
    return commit.at - at;
  });
}
