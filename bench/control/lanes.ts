// Ten tenants of one agent, of which one has ten thousand tasks before the others come: how soon each of them begins, and what each gets
// while all have enough to do.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/client/connect.ts';
import type { Call } from '../../test/kit/model/server.ts';
import { type Measurement, measurement } from '../kit/measurement.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { type Model, modelCall, startApplication, startModel } from './kit.ts';

const LIMIT_MS = 600_000;
const [TENANTS, LARGE, SMALL] = [10, 10_000, 120];
const [CONCURRENCY, CALL_MS] = [8, 500];
/** The large one alone, then all of them; what is counted begins when the others have begun. */
const [ALONE_MS, SETTLING_MS, COUNTED_MS] = [5_000, 3_000, 40_000];
const FIRST_MS = 2_000;
const UNEVEN = 0.2;
const LOOK_MS = 1_000;

export const ABOUT = `${TENANTS} tenants of an agent with a lane, one with ${LARGE} tasks before the others come; ${CONCURRENCY} at once, calls of ${CALL_MS} ms`;

export async function measureLanes(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  await using model = await startModel();
  const rest = `agents: {
    shared: { run: ${modelCall(model.url)}, concurrency: ${CONCURRENCY}, timeoutMs: ${LIMIT_MS}, lane: true },
  },`;
  const common = { rest, limitMs: LIMIT_MS };
  await using _asker = await startApplication(folder.path, { name: 'actors', roles: ['actors'], ...common });
  await using _agents = await startApplication(folder.path, { name: 'agents', roles: ['agents'], ...common });
  const client = await connect({ data: join(folder.path, 'data'), env: {} });
  const start = async (tenant: number, count: number): Promise<number> => {
    const items = Array.from({ length: count }, () => `${CALL_MS}&tenant=${tenant}`);
    const plan = { agents: ['shared'], items, policy: { kind: 'all' }, collect: 'counts' };
    const at = Date.now();
    await client.start('fan', { id: `tenant-${tenant}`, input: plan as never, tenant: `tenant-${tenant}` });
    return at;
  };
  try {
    await start(0, LARGE);
    await sleep(ALONE_MS);
    await model.account();
    const others = Array.from({ length: TENANTS - 1 }, (_, at) => at + 1);
    const began = await Promise.all(others.map((tenant) => start(tenant, SMALL)));
    const from = Math.max(...began) + SETTLING_MS;
    const calls = await callsUntil(model, from + COUNTED_MS + 2 * CALL_MS);
    await Promise.all([0, ...others].map((tenant) => client.cancel('fan', `tenant-${tenant}`)));
    const firstMs = others.map((tenant, at) => firstOf(calls, tenant) - (began[at] ?? 0));
    const counted = calls.filter(({ begunAt }) => begunAt >= from && begunAt < from + COUNTED_MS);
    const even = counted.length / TENANTS;
    const unevenness = [0, ...others].map((tenant) => Math.abs(of(counted, tenant).length / even - 1));
    return [
      measurement('control.lanes.first', 'ms', firstMs),
      measurement('control.lanes.first.worst', 'ms', [Math.max(...firstMs)], FIRST_MS),
      measurement('control.lanes.share.from-even', '', unevenness),
      measurement('control.lanes.share.worst', '', [Math.max(...unevenness)], UNEVEN),
      measurement('control.lanes.busy', '', [(counted.length * CALL_MS) / (COUNTED_MS * CONCURRENCY)]),
    ];
  } finally {
    await client.close();
  }
}

async function callsUntil(model: Model, end: number): Promise<readonly Call[]> {
  const calls: Call[] = [];
  while (Date.now() < end) {
    await sleep(LOOK_MS);
    calls.push(...(await model.account()).ended);
  }
  return calls;
}

function of(calls: readonly Call[], tenant: number): readonly Call[] {
  return calls.filter(({ path }) => path.endsWith(`&tenant=${tenant}`));
}

function firstOf(calls: readonly Call[], tenant: number): number {
  return Math.min(...of(calls, tenant).map(({ begunAt }) => begunAt));
}
