// A limit by name: many tasks at once against a provider that counts, with Quorate's limits and without; and ten hosts that share one
// rate. Rates and counts are those of the issue, scaled together.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/client/connect.ts';
import type { QuorateClient } from '../../src/contract/client.ts';
import { createRuntime } from '../../src/runtime/runtime.ts';
import type { Call } from '../../test/kit/model/server.ts';
import { type Measurement, measurement, percentile } from '../kit/measurement.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startApplication, startModel, untilQuiet } from './kit.ts';

const LIMIT_MS = 600_000;
/** Four times 600 requests and 200,000 tokens a minute, for 3,000 tasks instead of 5,000. */
const [REQUESTS, TOKENS, TASKS, HOSTS] = [2_400, 800_000, 3_000, 4];
const MINUTE_MS = 60_000;
const OUTPUT_TOKENS = 300;
const [SHORTEST_MS, LONGEST_MS] = [100, 900];
const [MOST_REFUSED, LEAST_USED, MOST_SLOWER] = [0.01, 0.95, 1.5];
const QUICK_MS = 20;
const QUICK_EVERY_MS = 200;
const [TEN, TEN_REQUESTS, TEN_MS] = [10, 1_200, 30_000];

export const ABOUT = `${TASKS} tasks at once against ${REQUESTS} requests and ${TOKENS} tokens a minute, ${HOSTS} hosts, with a limit and without; ${TEN} hosts that share ${TEN_REQUESTS} requests a minute`;

export async function measureLimits(): Promise<readonly Measurement[]> {
  return [...(await flood(true)), ...(await flood(false)), ...(await ten())];
}

async function flood(isLimited: boolean): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  await using model = await startModel({
    limit: { windowMs: MINUTE_MS, requests: REQUESTS, tokens: TOKENS },
    outputTokens: OUTPUT_TOKENS,
  });
  const limits = `limits: { model: { requestsPerMinute: ${REQUESTS}, tokensPerMinute: ${TOKENS} } },`;
  const rest = `${isLimited ? limits : ''} agents: {
    many: {
      ${isLimited ? "limit: 'model'," : ''}
      concurrency: 40,
      deadlineMs: ${LIMIT_MS},
      estimate: () => ({ tokens: ${OUTPUT_TOKENS + 10} }),
      run: async ({ item }, { signal }) => {
        const body = JSON.stringify({ max_tokens: ${OUTPUT_TOKENS} });
        const response = await fetch('${model.url}/?ms=' + item, { method: 'POST', body, signal });
        if (!response.ok) throw response;
        return response.json();
      },
    },
    quick: { run: () => new Promise((resolve) => setTimeout(resolve, ${QUICK_MS}, 1)) },
  },`;
  const start = (name: string, roles: readonly string[]) =>
    startApplication(folder.path, { name, roles, rest, limitMs: LIMIT_MS });
  await using stack = new AsyncDisposableStack();
  stack.use(await start('actors', ['actors']));
  for (let host = 0; host < HOSTS; host++) stack.use(await start(`agents-${host}`, ['agents']));
  const client = await connect({ data: `${folder.path}/data`, env: {} });
  stack.defer(() => client.close());

  const quiet = await interactive(client, 'quiet', sleep(5_000));
  const items = Array.from({ length: TASKS }, (_, at) => msOf(at));
  const plan = { agents: ['many'], items, policy: { kind: 'all' }, collect: 'counts' };
  const done = client.run('fan', { id: 'flood', input: plan as never, timeoutMs: LIMIT_MS });
  const busy = await interactive(client, 'busy', done);
  return report(isLimited, await untilQuiet(model, TASKS), { quiet, busy });
}

function msOf(at: number): number {
  return SHORTEST_MS + (((at * 7_919) % 1_000) / 1_000) * (LONGEST_MS - SHORTEST_MS);
}

/** How long runs of an agent without a limit take, one after the other, until the other work is over. */
async function interactive(client: QuorateClient, name: string, other: Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  const over = new AbortController();
  const watched = other.finally(() => over.abort());
  for (let nth = 0; !over.signal.aborted; nth++) {
    const plan = { agents: ['quick'], items: [1], policy: { kind: 'all' }, collect: 'counts' };
    const begunAt = performance.now();
    await client.run('fan', { id: `${name}-${nth}`, input: plan as never });
    took.push(performance.now() - begunAt);
    await sleep(QUICK_EVERY_MS);
  }
  await watched;
  return took;
}

interface Seen {
  readonly quiet: readonly number[];
  readonly busy: readonly number[];
}

function report(isLimited: boolean, calls: readonly Call[], { quiet, busy }: Seen): readonly Measurement[] {
  const good = calls.filter(({ status }) => status === 200);
  const [first = 0, last = 0] = [Math.min, Math.max].map((of) => of(...good.map(({ begunAt }) => begunAt)));
  const share = good.length / (((last - first) / MINUTE_MS) * REQUESTS);
  const refused = (calls.length - good.length) / calls.length;
  const p99 = (took: readonly number[]): number =>
    percentile(
      took.toSorted((a, b) => a - b),
      0.99,
    );
  const name = isLimited ? 'control.limit' : 'control.unlimited';
  const must = <T>(target: T): T | null => (isLimited ? target : null);
  return [
    measurement(`${name}.refused`, '', [refused], must(MOST_REFUSED)),
    measurement(`${name}.used`, '', [share], must(LEAST_USED), 'at least'),
    measurement(`${name}.lost`, 'tasks', [TASKS - good.length], must(1)),
    measurement(`${name}.took`, 's', [(last - first) / 1_000]),
    measurement(`${name}.interactive.p99`, 'ms', [p99(busy)], must(p99(quiet) * MOST_SLOWER)),
  ];
}

/** Ten hosts as far as the broker can tell, in this process. */
async function ten(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  const begun: number[] = [];
  const config = (roles: readonly ('actors' | 'agents')[]) => ({
    roles,
    data: `${folder.path}/data`,
    port: 0,
    workers: 2,
    machines: {
      fan: { module: new URL('fan.machine.js', import.meta.url), export: 'fan', version: '1' },
    },
    limits: { shared: { requestsPerMinute: TEN_REQUESTS } },
    agents: {
      many: {
        limit: 'shared',
        run: async () => {
          begun.push(performance.now());
          await sleep(QUICK_MS);
          return 1;
        },
      },
    },
  });
  await using stack = new AsyncDisposableStack();
  const asker = await createRuntime(config(['actors']), { env: {} });
  stack.defer(() => asker.stop());
  for (let host = 0; host < TEN; host++) {
    const runtime = await createRuntime(config(['agents']), { env: {} });
    stack.defer(() => runtime.stop());
  }
  const items = Array.from({ length: TEN_REQUESTS }, (_, at) => at);
  const plan = { agents: ['many'], items, policy: { kind: 'all' }, collect: 'counts' };
  await asker.client.start('fan', { id: 'ten', input: plan as never });
  while (begun.length === 0) await sleep(QUICK_MS);
  // Behind the burst of the beginning.
  const from = performance.now() + 2_000;
  await sleep(2_000 + TEN_MS);
  await asker.client.cancel('fan', 'ten');
  const made = begun.filter((at) => at >= from && at < from + TEN_MS).length;
  const allowed = (TEN_REQUESTS * TEN_MS) / MINUTE_MS;
  return [
    measurement('control.limit.ten-hosts', 'calls', [made], allowed * LEAST_USED, 'at least'),
    measurement('control.limit.ten-hosts-over', 'calls', [Math.max(0, made - allowed)], 1),
  ];
}
