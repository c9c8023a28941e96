import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  ACTORS,
  atEnd,
  collect,
  consume,
  EVENTS,
  numberOf,
  pumpDefaults,
  startWorld,
  statusOf,
  TASKS,
  task,
  toSession,
  type World,
} from './kit.ts';

/** Everything that the actors' queue holds, in the order in which it comes. */
async function drain({ bridge }: World, count: number): Promise<{ n: number; messageId: string }[]> {
  const got = collect<{ n: number; messageId: string }>(count);
  const pump = bridge.pumpSessions({
    ...pumpDefaults,
    onSession: (session) =>
      consume(session, (message) => got.add({ n: numberOf(message), messageId: message.messageId })),
  });
  atEnd(() => pump.stop());
  await got.done;
  return got.all;
}

describe('publish', () => {
  it('keeps the order over many calls and batches, and sends calls close in time together', async () => {
    const world = await startWorld();
    const count = 3_000;
    const before = await world.broker.counters();
    await Promise.all(Array.from({ length: count }, (_, n) => world.bridge.publish([toSession('s', n)])));
    const after = await world.broker.counters();
    const got = await drain(world, count);
    expect(got.map(({ n }) => n)).toEqual(Array.from({ length: count }, (_, n) => n));
    // One commit a batch of 500: 6, not 3,000.
    expect((after['commits'] ?? 0) - (before['commits'] ?? 0)).toBeLessThanOrEqual(count / 500 + 1);
  });

  it('splits by size, and refuses only the message that is too large', async () => {
    const world = await startWorld();
    const large = 'x'.repeat(90_000);
    const calls = Array.from({ length: 9 }, (_, n) =>
      world.bridge.publish([toSession('s', n, { body: { n, large: n === 4 ? large.repeat(4) : large } })]),
    );
    const results = await Promise.allSettled(calls);
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatchObject({ reason: { code: 'EFFECT_TOO_LARGE' } });
    const got = await drain(world, 8);
    expect(got.map(({ n }) => n)).toEqual([0, 1, 2, 3, 5, 6, 7, 8]);
  });

  it('drops a repeated id: a send may be tried again', async () => {
    const world = await startWorld();
    await world.bridge.publish([toSession('s', 1, { messageId: 'one' })]);
    await world.bridge.publish([toSession('s', 2, { messageId: 'one' }), toSession('s', 3)]);
    const got = await drain(world, 2);
    expect(got.map(({ n }) => n)).toEqual([1, 3]);
  });

  it('carries every field there and back', async () => {
    const world = await startWorld();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const sent = toSession('s', 1, {
      correlationId: 'c',
      replyTo: 'replies',
      replyToSessionId: 'me',
      traceparent,
      properties: { 'quorate-turn': 3, flag: true, text: 'é', float: 1.5, large: 1_764_000_000_000 },
    });
    await world.bridge.publish([sent]);
    const got = collect<object>(1);
    const pump = world.bridge.pumpSessions({
      ...pumpDefaults,
      onSession: (session) => consume(session, (message) => got.add(message)),
    });
    atEnd(() => pump.stop());
    await got.done;
    expect(got.all[0]).toMatchObject({
      messageId: sent.messageId,
      subject: 'event',
      sessionId: 's',
      correlationId: 'c',
      replyTo: 'replies',
      replyToSessionId: 'me',
      traceparent,
      body: sent.body,
      deliveryCount: 0,
    });
    expect((got.all[0] as { properties: object }).properties).toEqual({
      ...sent.properties,
      'quorate-format': 1,
    });
  });

  it('schedules, gives the numbers that cancel, and sends what is due at once', async () => {
    const world = await startWorld();
    const { bridge } = world;
    const soon = Date.now() + 700;
    const published = await bridge.publish([
      toSession('s', 1, { notBefore: soon }),
      toSession('s', 2, { notBefore: Date.now() - 1_000 }),
      toSession('s', 3, { notBefore: Date.now() + 3_600_000 }),
      toSession('s', 4, { notBefore: soon }),
    ]);
    const numbers = published.map(({ sequenceNumber }) => sequenceNumber);
    expect(numbers[1]).toBeUndefined();
    const cancelled = numbers.filter((number) => number !== numbers[1]);
    expect(new Set(cancelled).size).toBe(3);
    expect(await statusOf(world, ACTORS)).toMatchObject({ active: 1, scheduled: 3 });
    // The second is not there: that must not keep the first from being cancelled.
    await bridge.cancelScheduled(ACTORS, [numbers[2] ?? 0, 999_999]);
    await bridge.cancelScheduled(ACTORS, []);
    expect(await statusOf(world, ACTORS)).toMatchObject({ scheduled: 2 });
    const got = await drain(world, 3);
    expect(got.map(({ n }) => n)).toEqual([2, 1, 4]);
    await bridge.cancelScheduled(ACTORS, [numbers[0] ?? 0]);
  });

  it('lets a task with a time to live lapse', async () => {
    const world = await startWorld();
    await world.bridge.publish([task(1, { timeToLiveMs: 50 }), task(2)]);
    await sleep(200);
    const got = collect<number>(2);
    const common = { entity: TASKS, concurrency: 2 } as const;
    const onMessage = async (message: { body: unknown }) => {
      got.add((message.body as { n: number }).n);
      return { kind: 'complete' } as const;
    };
    const pumps = [
      world.bridge.pumpTasks({ ...common, onMessage }),
      world.bridge.pumpDeadLetters({
        ...common,
        onMessage: (message) => {
          expect(message.deadLetterReason).toBe('TTLExpiredException');
          return onMessage(message);
        },
      }),
    ];
    await got.done;
    await Promise.all(pumps.map((pump) => pump.stop()));
    expect(got.all.toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  it('takes no messages for an answer at once, and sends to topics', async () => {
    const { bridge } = await startWorld();
    expect(await bridge.publish([])).toEqual([]);
    expect(await bridge.publish([toSession('s', 1, { entity: EVENTS })])).toEqual([{}]);
  });

  it('names the entity that does not exist', async () => {
    const { bridge } = await startWorld();
    await expect(bridge.publish([task(1, { entity: 'nowhere' })])).rejects.toMatchObject({
      code: 'TOPOLOGY_MISMATCH',
      message: expect.stringContaining('nowhere'),
    });
    await expect(
      bridge.publish([task(1, { entity: 'nowhere', notBefore: Date.now() + 60_000 })]),
    ).rejects.toMatchObject({ code: 'TOPOLOGY_MISMATCH' });
  });

  it('says UNAUTHORIZED for a wrong key and CONNECTION_FAILED where nobody listens', async () => {
    const { connect, broker } = await startWorld();
    const wrongKey = broker.connectionString.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=d3Jvbmc=');
    const stranger = await connect({ connection: { kind: 'connectionString', connectionString: wrongKey } });
    await expect(stranger.publish([task(1)])).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await expect(stranger.ensureTopology([{ kind: 'topic', name: EVENTS }])).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    });

    const nobody = broker.connectionString.replace(`:${broker.port}`, ':1');
    const lonely = await connect({
      connection: { kind: 'connectionString', connectionString: nobody },
      duplicateWindowMs: 600,
    });
    await expect(lonely.publish([task(1)])).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringContaining('127.0.0.1:1'),
    });
  });

  it('refuses a full entity with QUOTA_EXCEEDED', async () => {
    const world = await startWorld();
    await world.broker.declare({
      queues: [{ name: `${world.prefix}small`, maxSizeInMegabytes: 1 }],
      topics: [],
    });
    const body = { text: 'x'.repeat(100_000) };
    const send = async () => {
      for (let n = 0; n < 20; n += 1) await world.bridge.publish([task(n, { entity: 'small', body })]);
    };
    await expect(send()).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
  });
});
