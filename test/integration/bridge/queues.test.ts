// Depth and age of queues: as the service says it, by looking, and by one process at a time.
import { describe, expect, it } from 'vitest';
import { Registry } from '../../../src/observability/metrics/registry.ts';
import { startQueueMetrics } from '../../../src/runtime/queue-metrics.ts';
import { ACTORS, atEnd, entities, startWorld, TASKS, task, toSession } from './kit.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

describe('a look at a queue', () => {
  it('has the same numbers by the right to manage and without it', async () => {
    const world = await startWorld();
    const managing = await world.connect({ embedded: true });
    const looking = await world.connect({ embedded: false });
    expect(await managing.lookAtQueue(TASKS)).toEqual({
      by: 'manage',
      active: 0,
      scheduled: 0,
      dead: 0,
      oldestMs: 0,
    });
    expect(await looking.lookAtQueue(TASKS)).toEqual({
      by: 'peek',
      active: 0,
      scheduled: 0,
      dead: 0,
      oldestMs: 0,
    });

    const later = Date.now() + 3_600_000;
    await world.bridge.publish([task(0, { notBefore: later }), ...[1, 2, 3].map((n) => task(n))]);
    await world.bridge.publish([
      toSession('a', 1),
      toSession('b', 2),
      toSession('b', 3, { notBefore: later }),
    ]);
    for (const [bridge, by] of [
      [managing, 'manage'],
      [looking, 'peek'],
    ] as const) {
      // Again: a look continues nowhere, and takes nothing.
      for (let at = 0; at < 2; at++) {
        expect(await bridge.lookAtQueue(TASKS)).toMatchObject({ by, active: 3, scheduled: 1, dead: 0 });
        expect(await bridge.lookAtQueue(ACTORS)).toMatchObject({ by, active: 2, scheduled: 1, dead: 0 });
      }
      const { oldestMs = Number.NaN } = await bridge.lookAtQueue(TASKS);
      expect(oldestMs).toBeGreaterThanOrEqual(0);
      expect(oldestMs).toBeLessThan(60_000);
    }
  });

  it('counts to a hundred by looking, and says where it cannot say how old the oldest is', async () => {
    const world = await startWorld();
    const managing = await world.connect({ embedded: true });
    const looking = await world.connect({ embedded: false });
    const later = Date.now() + 3_600_000;
    await world.bridge.publish(Array.from({ length: 120 }, (_, n) => task(n, { notBefore: later })));
    await world.bridge.publish([task(500)]);
    expect(await looking.lookAtQueue(TASKS)).toEqual({
      by: 'peek',
      active: 0,
      scheduled: 100,
      dead: 0,
      oldestMs: undefined,
      isCapped: true,
    });
    expect(await managing.lookAtQueue(TASKS)).toEqual({
      by: 'manage',
      active: 1,
      scheduled: 120,
      dead: 0,
      oldestMs: undefined,
    });
  });

  it('falls back to looking where the right to manage is missing', async () => {
    const world = await startWorld({
      keys: { all: 'first-key', few: { key: 'second-key', rights: ['Send', 'Listen'] } },
    });
    await world.bridge.publish([task(1)]);
    const connectionString = world.broker.connectionString
      .replace('SharedAccessKeyName=all', 'SharedAccessKeyName=few')
      .replace('SharedAccessKey=first-key', 'SharedAccessKey=second-key');
    const few = await world.connect({
      embedded: true,
      connection: { kind: 'connectionString', connectionString },
    });
    expect(await world.bridge.lookAtQueue(TASKS)).toMatchObject({ by: 'manage', active: 1 });
    expect(await few.lookAtQueue(TASKS)).toMatchObject({ by: 'peek', active: 1 });
  });

  it('of a queue that is not there is an error with its name', async () => {
    const world = await startWorld();
    await expect(world.bridge.lookAtQueue('agent.none')).rejects.toMatchObject({
      code: 'TOPOLOGY_MISMATCH',
      message: expect.stringContaining('it-agent.none'),
    });
  });
});

it('one process at a time looks at all queues; when it ends another does', async () => {
  const world = await startWorld();
  await world.bridge.publish([task(1), task(2)]);
  const processes = await Promise.all(
    [0, 1].map(async () => {
      const bridge = await world.connect({ embedded: true });
      const registry = new Registry();
      let looks = 0;
      const look: typeof bridge.lookAtQueue = (queue) => {
        looks += 1;
        return bridge.lookAtQueue(queue);
      };
      const options = { everyMs: 300, entities: entities(30_000), bridge, look, registry, logger: silent };
      const metrics = startQueueMetrics(options);
      atEnd(() => metrics.stop());
      const depth = (): number | undefined =>
        registry
          .collect()
          .find(({ name }) => name === 'quorate.queue.active')
          ?.points.find(({ labels }) => labels[0] === TASKS)?.value;
      return { metrics, depth, looks: () => looks };
    }),
  );
  const known = (): number => processes.filter(({ depth }) => depth() !== undefined).length;
  await expect.poll(known, { timeout: 20_000 }).toBe(1);
  const first = processes.find(({ depth }) => depth() === 2);
  const second = processes.find((one) => one !== first);
  await expect.poll(() => first?.looks(), { timeout: 20_000 }).toBeGreaterThan(9);
  expect([first?.depth(), second?.depth(), second?.looks()]).toEqual([2, undefined, 0]);
  await first?.metrics.stop();
  expect(first?.depth()).toBeUndefined();
  await expect.poll(() => second?.depth(), { timeout: 20_000 }).toBe(2);
}, 90_000);
