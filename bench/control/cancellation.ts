// Work that nobody waits for: what a quorum pays for with cancellation and without, and how soon a cancelled run stops.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/client/connect.ts';
import type { QuorateClient } from '../../src/contract/client.ts';
import type { ScatterPlan } from '../../src/contract/scatter.ts';
import { type Measurement, measurement, percentile } from '../kit/measurement.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { type Model, modelCall, startApplication, startModel, untilQuiet } from './kit.ts';

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

export const ABOUT = `a quorum of ${QUORUM} of ${BRANCHES} with calls of ${SHORTEST_MS} to ${LONGEST_MS} ms, ${ROUNDS} rounds; a cancelled run of ${RUN_BRANCHES} branches, ${RUNS} times`;

export async function measureCancellation(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  await using model = await startModel();
  const call = modelCall(model.url);
  const rest = `agents: {
    few: { run: ${call}, concurrency: ${CONCURRENCY}, timeoutMs: ${LIMIT_MS} },
    many: { run: ${call}, concurrency: ${RUN_CONCURRENCY}, timeoutMs: ${LIMIT_MS} },
  },`;
  const common = { rest, limitMs: LIMIT_MS };
  await using _asker = await startApplication(folder.path, { name: 'actors', roles: ['actors'], ...common });
  await using _agents = await startApplication(folder.path, { name: 'agents', roles: ['agents'], ...common });
  const client = await connect({ data: join(folder.path, 'data'), env: {} });
  try {
    return [...(await quorums(client, model)), ...(await cancels(client, model))];
  } finally {
    await client.close();
  }
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
