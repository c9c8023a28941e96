import { describe, expect, it } from 'vitest';
import { examine } from '../../../src/bridge/topology/examine.ts';
import { ACTORS, atEnd, EVENTS, entities, startWorld, statusOf, TASKS } from './kit.ts';
import { startProxy } from './proxy.ts';

describe('ensureTopology through the data plane', () => {
  it('is content with what was declared, and leaves nothing behind', async () => {
    const world = await startWorld();
    await world.bridge.ensureTopology(entities(30_000));
    for (const name of [ACTORS, TASKS, EVENTS]) {
      expect(await statusOf(world, name)).toMatchObject({ active: 0, scheduled: 0, locks: 0, sessions: 0 });
    }
  });

  it('asks again when its connection is lost in the middle, instead of waiting for an answer', async () => {
    const world = await startWorld();
    const proxy = await startProxy(world.broker.port);
    atEnd(() => proxy.close());
    const connectionString = world.broker.connectionString.replace(/:\d+;/, `:${proxy.port};`);
    const bridge = await world.connect({ connection: { kind: 'connectionString', connectionString } });
    proxy.onNext(`${world.prefix}${TASKS}`, () => proxy.cut());
    await bridge.ensureTopology(entities(30_000));
  });

  it('names everything that is missing or of the wrong kind, in one error', async () => {
    const { bridge } = await startWorld();
    const wrong = bridge.ensureTopology([
      { kind: 'queue', name: ACTORS, requiresSession: false },
      { kind: 'queue', name: TASKS, requiresSession: true },
      { kind: 'queue', name: 'gone' },
      { kind: 'topic', name: 'gone-too' },
      { kind: 'topic', name: EVENTS },
    ]);
    await expect(wrong).rejects.toMatchObject({
      code: 'TOPOLOGY_MISMATCH',
      data: {
        findings: [
          'it-actor.test: requiresSession is true, not false',
          'it-agent.test: requiresSession is false, not true',
          'it-gone-too: the topic does not exist',
          'it-gone: the queue does not exist',
        ],
      },
    });
  });

  it('says that nothing is created on an emulator', async () => {
    const world = await startWorld();
    const bridge = await world.connect({ topology: 'apply', embedded: false });
    const wrong = bridge.ensureTopology([{ kind: 'queue', name: 'gone' }]);
    await expect(wrong).rejects.toMatchObject({
      code: 'TOPOLOGY_MISMATCH',
      message: expect.stringContaining('Config.json'),
    });
  });

  it('nor does the doctor advise it there', async () => {
    const { prefix, broker } = await startWorld();
    const connection = { kind: 'connectionString', connectionString: broker.connectionString } as const;
    const wrong = [
      { kind: 'queue', name: 'gone' },
      { kind: 'queue', name: TASKS, requiresSession: true },
    ] as const;
    const fixes = new Map<string, string | undefined>();
    for await (const { text, fix } of examine({ connection, prefix, entities: wrong })) fixes.set(text, fix);
    expect(fixes.get(`${prefix}gone: the queue does not exist`)).toMatch(/Config\.json/);
    expect(fixes.get(`${prefix}${TASKS}: requiresSession is false, not true`)).toMatch(/delete the entity/);
    expect([...fixes.values()].join()).not.toMatch(/apply/);
  });

  it('and says with a code of its own what a service refuses its probe for', async () => {
    const { prefix, broker } = await startWorld();
    await broker.declare({ queues: [{ name: `${prefix}replies`, requiresSession: true }], topics: [] });
    const full = {
      kind: 'reject',
      on: { operation: 'send' },
      condition: 'amqp:resource-limit-exceeded',
    } as const;
    await broker.faults.inject(full);
    const connection = { kind: 'connectionString', connectionString: broker.connectionString } as const;
    const found: Record<string, string> = {};
    for await (const { check, status, text } of examine({ connection, prefix, entities: [] }))
      found[check] = `${status} ${text}`;
    expect(found).toMatchObject({
      clock: expect.stringMatching(/^wrong QUOTA_EXCEEDED: the probe of clock failed: /),
      fencing: expect.stringMatching(/^ok/),
    });
  });
});
