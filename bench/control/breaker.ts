// A breaker: what a dependency fails for a while costs in calls, and whether agents without it notice. Two hosts share the limit.
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '../../src/client/connect.ts';
import type { QuorateClient } from '../../src/contract/client.ts';
import { type Measurement, measurement, percentile } from '../kit/measurement.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { modelCall, startApplication, startModel } from './kit.ts';

const LIMIT_MS = 300_000;
/** A third of the minute. The hosts start in what comes before it. */
const [OUTAGE_MS, HEALTHY_MS] = [20_000, 20_000];
const [TASKS, CALL_MS, CONCURRENCY] = [3_000, 100, 4];
const HOSTS = 2;
/** The shortest that a breaker is open, before its first probe. */
const OPEN_MS = 8_000;
const MOST_LATER = 5;
const MOST_SLOWER = 1.5;
const LOOK_MS = 25;

export const ABOUT = `a dependency that fails for ${OUTAGE_MS / 1_000} s, under a limit that ${HOSTS} hosts share`;

export async function measureBreaker(): Promise<readonly Measurement[]> {
  await using folder = await temporaryFolder();
  await using stack = new AsyncDisposableStack();
  const startedAt = Date.now();
  await using model = await startModel({ outage: { afterMs: HEALTHY_MS, forMs: OUTAGE_MS } });
  const rest = `limits: { dependency: { requestsPerMinute: 6_000 } },
    agents: {
      many: {
        limit: 'dependency',
        run: ${modelCall(model.url)},
        concurrency: ${CONCURRENCY},
        deadlineMs: ${LIMIT_MS},
        retry: { attempts: 5 },
      },
      quick: { run: () => new Promise((resolve) => setTimeout(resolve, 20, 1)) },
    },`;
  const start = (name: string, roles: readonly string[]) =>
    startApplication(folder.path, { name, roles, rest, limitMs: LIMIT_MS });
  stack.use(await start('actors', ['actors']));
  for (let host = 0; host < HOSTS; host++) stack.use(await start(`agents-${host}`, ['agents']));
  const client = await connect({ data: `${folder.path}/data`, env: {} });
  stack.defer(() => client.close());

  const plan = {
    agents: ['many'],
    items: Array.from({ length: TASKS }, () => CALL_MS),
    policy: { kind: 'all' },
    collect: 'counts',
  };
  await client.start('fan', { id: 'many', input: plan as never });
  const outageAt = startedAt + HEALTHY_MS;
  const endAt = outageAt + OUTAGE_MS;
  const healthy = await interactive(client, 'healthy', () => Date.now() < outageAt - 1_000);
  let openedAt = Number.POSITIVE_INFINITY;
  const looking = (async () => {
    while (openedAt === Number.POSITIVE_INFINITY && Date.now() < endAt) {
      const { breaker } = await client.limits.get('dependency');
      if (breaker !== 'closed') openedAt = Date.now();
      await sleep(LOOK_MS);
    }
  })();
  const failing = await interactive(
    client,
    'failing',
    () => Date.now() < Math.min(openedAt + OPEN_MS, endAt),
  );
  await looking;
  await client.cancel('fan', 'many');
  const { ended } = await model.account();
  const later = ended.filter(({ begunAt }) => begunAt > openedAt && begunAt < openedAt + OPEN_MS).length;
  const refused = ended.filter(({ status }) => status === 503).length;
  return [
    measurement('control.breaker.opened-after', 'ms', [openedAt - outageAt]),
    measurement('control.breaker.failed', 'calls', [refused]),
    measurement('control.breaker.begun-later', 'calls', [later], MOST_LATER + 1),
    measurement('control.breaker.others.p99', 'ms', [p99(failing)], p99(healthy) * MOST_SLOWER),
  ];
}

function p99(took: readonly number[]): number {
  return percentile(
    took.toSorted((a, b) => a - b),
    0.99,
  );
}

/** How long runs of an agent without a limit take, one after the other. */
async function interactive(client: QuorateClient, name: string, more: () => boolean): Promise<number[]> {
  const plan = { agents: ['quick'], items: [1], policy: { kind: 'all' }, collect: 'counts' };
  const took: number[] = [];
  for (let nth = 0; more(); nth++) {
    const begunAt = performance.now();
    await client.run('fan', { id: `${name}-${nth}`, input: plan as never });
    took.push(performance.now() - begunAt);
    await sleep(LOOK_MS);
  }
  return took;
}
