// What work costs that nobody waits for, with cancellation and without. Asker, agents and model are processes of their own; calls
// and tokens are what the model counted.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '../../src/client/connect.ts';
import type { QuorateClient } from '../../src/contract/client.ts';
import type { ScatterPlan } from '../../src/contract/scatter.ts';
import { startHost } from '../host-process.ts';
import { type Bench, type Measurement, measurement, percentile } from '../kit/measurement.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import type { Account, Call } from './model-process.ts';

const LIMIT_MS = 600_000;
/** The calls of 1 to 30 s, a twentieth of it. */
const [SHORTEST_MS, LONGEST_MS] = [50, 1_500];
const [BRANCHES, QUORUM, CONCURRENCY, ROUNDS] = [10, 3, 4, 40];
const PAID_SHARE = 0.6;
const [RUN_BRANCHES, RUN_CONCURRENCY, RUNS] = [1_000, 8, 12];
const CALL_MS = 60_000;
const TOLD_MS = 1_000;
const LOOK_MS = 20;
/** A call that was looked up before the mark was there may reach the model after it: the two cross. */
const CROSSING_MS = 100;
/** Longer than a task takes from the queue to the model. */
const QUIET_MS = 400;

export const control: Bench = {
  name: 'control',
  about: `a quorum of ${QUORUM} of ${BRANCHES} with calls of ${SHORTEST_MS} to ${LONGEST_MS} ms, ${ROUNDS} rounds; a cancelled run of ${RUN_BRANCHES} branches, ${RUNS} times`,
  notMeasured: 'processes on several machines, which find a cancellation in Blob storage within seconds',
  run,
};

async function run(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  await using model = await startModel();
  const options = { cwd: folder.path, limitMs: LIMIT_MS };
  const args = async (role: string): Promise<string[]> => {
    const config = await writeApplication(folder.path, role, model.url);
    return ['start', '--config', config, '--port', '0', '--data', join(folder.path, 'data')];
  };
  await using asker = startHost(await args('actors'), options);
  await asker.says(/^ready .*\n/m);
  await using agents = startHost(await args('agents'), options);
  await agents.says(/^ready .*\n/m);
  const client = await connect({ data: join(folder.path, 'data'), env: {} });
  try {
    return [...(await quorums(client, model)), ...(await cancels(client, model))];
  } finally {
    await client.close();
  }
}

interface Model extends AsyncDisposable {
  readonly url: string;
  readonly account: () => Promise<Account>;
}

async function startModel(): Promise<Model> {
  const child = fork(fileURLToPath(new URL('model-process.ts', import.meta.url)));
  const [port] = (await once(child, 'message')) as [number];
  const url = `http://127.0.0.1:${port}/`;
  return {
    url,
    account: async () => (await (await fetch(url)).json()) as Account,
    [Symbol.asyncDispose]: async () => {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

async function writeApplication(folder: string, role: string, url: string): Promise<string> {
  const machine = new URL('fan.machine.js', import.meta.url).href;
  const path = join(folder, `${role}.config.js`);
  const call = `async ({ item }, { signal }) => {
    const response = await fetch('${url}?ms=' + item, { method: 'POST', signal });
    return response.json();
  }`;
  const config = `export default {
    roles: ['${role}'],
    machines: { fan: { module: new URL('${machine}'), export: 'fan', version: '1' } },
    agents: {
      few: { run: ${call}, concurrency: ${CONCURRENCY}, timeoutMs: ${LIMIT_MS} },
      many: { run: ${call}, concurrency: ${RUN_CONCURRENCY}, timeoutMs: ${LIMIT_MS} },
    },
  };\n`;
  await writeFile(path, config);
  return path;
}

async function quorums(client: QuorateClient, model: Model): Promise<readonly Measurement[]> {
  const rounds: {
    readonly paid: number;
    readonly unheeded: number;
    readonly crossed: number;
    readonly later: number;
  }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const items = Array.from({ length: BRANCHES }, (_, at) => msOf(round, at));
    const plan = {
      agents: ['few'],
      items,
      policy: { kind: 'quorum', count: QUORUM },
      collect: 'counts',
    } as const;
    const unheeded = await paidFor(client, model, `unheeded-${round}`, { ...plan, cancel: 'ignore' });
    const heeded = await paidFor(client, model, `heeded-${round}`, plan);
    rounds.push({ ...heeded, unheeded: unheeded.paid });
  }
  const sum = (field: 'paid' | 'unheeded' | 'crossed' | 'later'): number =>
    rounds.reduce((total, round) => total + round[field], 0);
  return [
    measurement('control.quorum.tokens', 'tokens', [sum('paid')]),
    measurement('control.quorum.tokens-without', 'tokens', [sum('unheeded')]),
    measurement('control.quorum.share-paid', '', [sum('paid') / sum('unheeded')], PAID_SHARE),
    measurement('control.quorum.begun-crossing', 'calls', [sum('crossed')]),
    measurement('control.quorum.begun-later', 'calls', [sum('later')], 1),
  ];
}

/** The same for both ways of a round, spread over the whole range. */
function msOf(round: number, at: number): number {
  const place = ((round * BRANCHES + at) * 7_919) % 1_000;
  return Math.round(SHORTEST_MS + ((LONGEST_MS - SHORTEST_MS) * place) / 1_000);
}

async function paidFor(client: QuorateClient, model: Model, id: string, plan: ScatterPlan) {
  await client.run('fan', { id, input: plan as never, timeoutMs: LIMIT_MS });
  const answeredAt = Date.now();
  const calls = await untilQuiet(model, plan.cancel === 'ignore' ? BRANCHES : QUORUM);
  const paid = calls.reduce((sum, { begunAt, endedAt }) => sum + endedAt - begunAt, 0);
  const after = calls.filter(({ begunAt }) => begunAt > answeredAt).length;
  const later = calls.filter(({ begunAt }) => begunAt > answeredAt + CROSSING_MS).length;
  return { paid, crossed: after - later, later };
}

/** Until as many calls have ended as must, and nothing has happened for a while. */
async function untilQuiet(model: Model, least: number): Promise<readonly Call[]> {
  const calls: Call[] = [];
  for (;;) {
    await sleep(QUIET_MS);
    const { running, ended } = await model.account();
    calls.push(...ended);
    if (running === 0 && ended.length === 0 && calls.length >= least) return calls;
  }
}

async function cancels(client: QuorateClient, model: Model): Promise<readonly Measurement[]> {
  const toldMs: number[] = [];
  let later = 0;
  for (let nth = 0; nth < RUNS; nth++) {
    const id = `run-${nth}`;
    const items = Array.from({ length: RUN_BRANCHES }, () => CALL_MS);
    const plan = { agents: ['many'], items, policy: { kind: 'all' }, collect: 'counts' };
    await client.start('fan', { id, input: plan as never });
    while ((await model.account()).running < RUN_CONCURRENCY) await sleep(LOOK_MS);
    const cancelledAt = Date.now();
    await client.cancel('fan', id);
    const stoppedAt = Date.now();
    const calls = await untilQuiet(model, RUN_CONCURRENCY);
    later += calls.filter(({ begunAt }) => begunAt > stoppedAt).length;
    toldMs.push(...calls.map(({ endedAt }) => endedAt - cancelledAt));
  }
  const sorted = toldMs.toSorted((one, other) => one - other);
  return [
    measurement('control.cancel.begun-later', 'calls', [later], 1),
    measurement('control.cancel.told', 'ms', sorted),
    measurement('control.cancel.told.p99', 'ms', [percentile(sorted, 0.99)], TOLD_MS),
  ];
}
