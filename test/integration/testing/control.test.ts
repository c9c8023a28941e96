// Control over paid work in a user's test: limits, breakers and pauses hold by the virtual time, wherever a host dies.
import { expect, it } from 'vitest';
import type { QuorateConfig } from '../../../src/contract/config.ts';
import { failure } from '../../../src/contract/failure.ts';
import { exploreCrashes, type Scenario, type World } from '../../../src/testing/index.ts';
import { app } from '../../kit/runtime.ts';

const LIMIT_MS = 240_000;
const OPTIONS = { parallel: 8, timeoutMs: 60_000, print: () => {} };

const gatherer = { machines: { all: app('gathering.machine.ts', 'gatherAll') } };
const start = ({ client }: World, count: number) =>
  client.start('all', { id: 'g', input: { items: Array.from({ length: count }, (_, at) => at) } as never });

/** `run` is given when calls began, by the virtual time, and what they are to end with. */
function scenario(
  run: (world: World, calls: { at: number[]; isBad: boolean }) => Promise<unknown>,
  config: Partial<QuorateConfig>,
): () => Scenario {
  return () => {
    const calls = { at: [] as number[], isBad: false };
    let now = (): number => 0;
    const oracle = {
      limit: 'model',
      retry: { attempts: 20, backoffMs: 100 },
      run: () => {
        calls.at.push(now());
        if (calls.isBad) throw failure('overloaded', { message: 'nobody can be served' });
        return { counts: { sum: 1 } };
      },
    };
    return {
      config: { ...gatherer, agents: { oracle }, ...config },
      holdLimits: true,
      run: async (world) => {
        now = world.now;
        await run(world, calls);
      },
    };
  };
}

const limited = scenario(
  async (world, { at }) => {
    await start(world, 6);
    await world.settled();
    expect(at.length).toBeLessThanOrEqual(2);
    await world.advance('6 seconds');
    expect(at.length).toBeLessThanOrEqual(4);
    await world.advance('1 minute');
    expect((await world.client.query('all', 'g')).output).toMatchObject({ ok: 6 });
  },
  { limits: { model: { requestsPerMinute: 20 } } },
);

it('a limit holds by the virtual time, and nothing is lost where a host dies', {
  timeout: LIMIT_MS,
}, async () => {
  const { runs } = await exploreCrashes(limited, { ...OPTIONS, faults: ['crash'], sample: 0.03 });
  expect(runs).toBeGreaterThan(0);
});

/** Ten in a row fail, which opens it; a probe a while later closes it. */
const broken = scenario(
  async (world, calls) => {
    calls.isBad = true;
    await start(world, 3);
    await world.advance('30 seconds');
    const { breaker } = await world.client.limits.get('model');
    expect(breaker).not.toBe('closed');
    const before = calls.at.length;
    calls.isBad = false;
    await world.advance('6 minutes');
    expect(calls.at.length - before).toBe(3);
    expect((await world.client.query('all', 'g')).output).toMatchObject({ ok: 3 });
  },
  { limits: { model: { concurrent: 3 } } },
);

it('a breaker opens and closes by the virtual time', { timeout: LIMIT_MS }, async () => {
  await exploreCrashes(broken, { ...OPTIONS, faults: [] });
});

const paused = scenario(
  async (world, { at }) => {
    const { client, settled, advance } = world;
    await client.agents.pause('oracle', { reason: 'an incident' });
    await settled();
    await start(world, 2);
    await advance('5 minutes');
    expect(at).toEqual([]);
    // A query is no witness here: a host that has just taken over may answer it before it has heard.
    expect(await client.agents.list()).toMatchObject({ oracle: { reason: 'an incident' } });
    await client.agents.resume('oracle');
    await advance('2 minutes');
    expect((await client.query('all', 'g')).output).toMatchObject({ ok: 2 });
  },
  { limits: { model: { concurrent: 3 } }, atRunTime: true },
);

it('a pause holds wherever a host dies, freezes or loses its locks', { timeout: LIMIT_MS }, async () => {
  const faults = ['crash', 'frozen'] as const;
  const { runs } = await exploreCrashes(paused, { ...OPTIONS, faults, sample: 0.02 });
  expect(runs).toBeGreaterThan(1);
});

const crowded = scenario(
  async ({ client, queueWaits, advance, settled }) => {
    const begin = async (id: string): Promise<string> => {
      const input = { items: [1] } as never;
      const failed = await client.start('all', { id, input }).then(
        () => ({ code: 'started' }),
        (error: unknown) => error as { code: string },
      );
      return failed.code;
    };
    await queueWaits('oracle', 20_000);
    expect(await begin('refused')).toBe('OVERLOADED');
    await queueWaits('oracle', 0);
    expect(await begin('later')).toBe('started');
    await queueWaits('oracle', 20_000);
    // A minute without a word.
    await advance('1 minute');
    expect(await begin('last')).toBe('started');
    await settled();
  },
  { limits: { model: { concurrent: 3 } }, admission: { maxWaitMs: 1_000 } },
);

it('new runs are refused by the waits that the test says, and let in again', {
  timeout: LIMIT_MS,
}, async () => {
  await exploreCrashes(crowded, { ...OPTIONS, faults: ['crash'], sample: 0.03 });
});
