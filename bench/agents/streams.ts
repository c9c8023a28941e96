// What streaming costs and how soon it is read: agents that say nothing, agents that stream to nobody, and agents that are read. The
// host, with its broker, and the reader are processes of their own.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { readBrokerRecord } from '../../packages/broker/src/index.ts';
import { createBridge } from '../../src/bridge/bridge.ts';
import { createClient } from '../../src/client/client.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { targetOf } from '../../src/config/target.ts';
import type { QuorateClient } from '../../src/contract/client.ts';
import { type Bridge, SILENT } from '../../src/contract/ports.ts';
import { openPayloads, streamsOnDemand } from '../../src/storage/stores.ts';
import { readCommits } from '../commits.ts';
import { type HostProcess, startHost } from '../host-process.ts';
import { type Measurement, measurement, percentile } from '../kit/measurement.ts';
import { say } from '../kit/progress.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const [AGENTS, PIECES_A_SECOND, SECONDS] = [50, 20, 15];
const PIECES = PIECES_A_SECOND * SECONDS;
const LIMIT_MS = 300_000;
const TARGET_MS = 200;
/** `_SC_CLK_TCK` of Linux. */
const TICK_MS = 10;
/** A message that is told: sent, received, completed. */
const OPERATIONS_A_MESSAGE = 3;

export const ABOUT = `${AGENTS} agents with ${PIECES_A_SECOND} pieces a second each for ${SECONDS} s: silent, streaming to nobody, and read by one client with ${AGENTS} streams`;

/** `at` of a piece: when the agent had it, on the clock of the machine. */
const AGENT = `async ({ pieces, ms, silent }, { stream }) => {
  const begun = performance.now();
  for (let n = 0; n < pieces; n++) {
    const wait = begun + n * ms - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    if (!silent) stream({ at: performance.timeOrigin + performance.now(), text: 'a word or two' });
  }
  return null;
}`;

export async function measureStreams(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const commits = join(folder.path, 'commits.log');
  await writeFile(commits, '');
  await using host = await startApplication(folder.path, commits);
  const data = join(folder.path, 'data');
  const reader = await openReader(data);
  try {
    // Of no account: what is loaded late is loaded now.
    await run(host, reader, data, { way: 'warm-up', isRead: true, seconds: 1 });
    const silent = await run(host, reader, data, { way: 'silent', isRead: false, seconds: SECONDS });
    const unread = await run(host, reader, data, { way: 'unread', isRead: false, seconds: SECONDS });
    const read = await run(host, reader, data, { way: 'read', isRead: true, seconds: SECONDS });
    const turns = await turnsOf(commits);
    const more = (way: string): number => (turns.get(way) ?? 0) - (turns.get('silent') ?? 0);
    const cpu = (one: Run): number[] =>
      one.cpuMs === undefined || silent.cpuMs === undefined
        ? []
        : [(one.cpuMs - silent.cpuMs) / (AGENTS * SECONDS)];
    const operations = read.told * OPERATIONS_A_MESSAGE;
    return [
      measurement('agents.streams.pieces', '', [read.pieces], AGENTS * PIECES, 'at least'),
      measurement('agents.streams.to-reader.p50', 'ms', [percentile(read.latencies, 0.5)]),
      measurement('agents.streams.to-reader.p95', 'ms', [percentile(read.latencies, 0.95)], TARGET_MS),
      measurement('agents.streams.to-reader.max', 'ms', [percentile(read.latencies, 1)]),
      measurement('agents.streams.start-to-first.p50', 'ms', [percentile(read.firsts, 0.5)]),
      measurement('agents.streams.turns-more.unread', 'turns', [more('unread')], 1),
      measurement('agents.streams.turns-more.read', 'turns', [more('read')], 1),
      measurement('agents.streams.questions', 'messages', [read.asked]),
      measurement('agents.streams.appends.each', '/s', [read.appends / (AGENTS * SECONDS)]),
      measurement('agents.streams.told', 'messages/s', [read.told / SECONDS]),
      measurement('agents.streams.bus-operations', '/s', [operations / SECONDS]),
      measurement('agents.streams.cpu.unread', 'ms/agent-second', cpu(unread)),
      measurement('agents.streams.cpu.read', 'ms/agent-second', cpu(read)),
    ];
  } finally {
    await reader.close();
  }
}

interface Run {
  readonly pieces: number;
  /** Of pieces that were said while they were read. */
  readonly latencies: readonly number[];
  /** From the start of an actor to the first piece at its reader. */
  readonly firsts: readonly number[];
  readonly told: number;
  readonly asked: number;
  readonly appends: number;
  readonly cpuMs: number | undefined;
}

interface Way {
  readonly way: string;
  readonly isRead: boolean;
  readonly seconds: number;
}

async function run(
  host: HostProcess,
  reader: Reader,
  data: string,
  { way, isRead, seconds }: Way,
): Promise<Run> {
  const latencies: number[] = [];
  const firsts: number[] = [];
  let pieces = 0;
  const beganAt = performance.timeOrigin + performance.now();
  const { client } = reader;
  const ids = Array.from({ length: AGENTS }, (_, at) => `${way}.${at}`);
  const each = PIECES_A_SECOND * seconds;
  const input = { pieces: each, ms: 1_000 / PIECES_A_SECOND, silent: way.startsWith('silent') } as never;
  const [toldBefore, appendsBefore, cpuBefore] = [reader.told(), appendsIn(data), cpuOf(host.pid)];
  await Promise.all(ids.map((id) => client.start('writer', { id, input })));
  const readOne = async (id: string): Promise<void> => {
    let firstAt: number | undefined;
    for await (const item of client.stream('writer', id)) {
      if (item.kind !== 'piece') continue;
      const [now, { at }] = [performance.timeOrigin + performance.now(), item.value as { at: number }];
      pieces++;
      if (firstAt === undefined) firsts.push(now - beganAt);
      // What was said before somebody read is no matter of the way to him.
      firstAt ??= now;
      if (at > firstAt) latencies.push(now - at);
    }
  };
  const askedBefore = reader.asked();
  const reading = isRead ? Promise.all(ids.map(readOne)) : undefined;
  await reading;
  const asked = reader.asked() - askedBefore;
  await Promise.all(ids.map((id) => client.result('writer', id, { timeoutMs: LIMIT_MS })));
  const cpuAfter = cpuOf(host.pid);
  const cpuMs = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  const appends = appendsIn(data) - appendsBefore;
  say(`streams, ${way}: ${pieces} pieces read, ${appends} appends, ${cpuMs ?? '?'} ms of processor time`);
  return {
    pieces,
    latencies: latencies.toSorted((a, b) => a - b),
    firsts: firsts.toSorted((a, b) => a - b),
    told: reader.told() - toldBefore,
    asked,
    appends,
    cpuMs,
  };
}

/** The last turn of each actor, summed up by the way that is named in its id. */
async function turnsOf(commits: string): Promise<ReadonlyMap<string, number>> {
  const last = new Map<string, number>();
  for (const { actor, turn } of await readCommits(commits))
    if (actor.startsWith('writer/')) last.set(actor, Math.max(turn, last.get(actor) ?? 0));
  const sums = new Map<string, number>();
  for (const [actor, turn] of last) {
    const way = actor.slice('writer/'.length).split('.')[0] ?? '';
    sums.set(way, (sums.get(way) ?? 0) + turn);
  }
  return sums;
}

async function startApplication(folder: string, commits: string): Promise<HostProcess> {
  const machine = new URL('writer.machine.js', import.meta.url).href;
  const path = join(folder, 'writers.config.js');
  const config = `export default {
    machines: { writer: { module: new URL('${machine}'), export: 'writer', version: '1' } },
    agents: { write: { run: ${AGENT}, concurrency: ${AGENTS} } },
    sessions: ${2 * AGENTS},
  };\n`;
  await writeFile(path, config);
  const args = ['start', '--config', path, '--port', '0', '--data', join(folder, 'data')];
  const host = startHost(args, { cwd: folder, commits, limitMs: LIMIT_MS });
  await host.says(/^ready .*\n/m);
  return host;
}

interface Reader {
  readonly client: QuorateClient;
  /** Messages that came with pieces, and questions that were sent, until now. */
  readonly told: () => number;
  readonly asked: () => number;
  readonly close: () => Promise<void>;
}

/** As `connect` makes it, with what comes and goes counted. */
async function openReader(data: string): Promise<Reader> {
  const { connectionString } = readBrokerRecord(data) ?? {};
  if (connectionString === undefined) throw new Error('the host has no broker');
  const config = resolveConfig({ machines: {}, data }, {});
  const target = targetOf(config, undefined);
  const payloads = await openPayloads(config, target);
  const bridge = await createBridge({
    ...config,
    connection: { kind: 'connectionString', connectionString },
    logger: SILENT,
  });
  const { open: streams, close } = streamsOnDemand(config, target);
  let told = 0;
  let asked = 0;
  const counted: Bridge = {
    ...bridge,
    publish: (messages) => {
      asked += messages.filter(({ subject }) => subject === 'query').length;
      return bridge.publish(messages);
    },
    pumpNamedSession: (options) =>
      bridge.pumpNamedSession({
        ...options,
        onMessage: (message) => {
          if (message.correlationId === 'stream') told++;
          options.onMessage(message);
        },
      }),
  };
  const client = createClient({ bridge: counted, payloads, streams, clock: bridge.clock });
  return {
    client,
    told: () => told,
    asked: () => asked,
    close: async () => {
      await client.close();
      await close();
      await bridge.close();
    },
  };
}

function appendsIn(data: string): number {
  const db = new DatabaseSync(join(data, 'results.db'), { readOnly: true });
  try {
    return Number(db.prepare('SELECT count(*) AS rows FROM stream').get()?.['rows']);
  } finally {
    db.close();
  }
}

/** Of all its threads, broker and workers included; undefined where the system does not say it. */
function cpuOf(pid: number): number | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return undefined;
  }
}
