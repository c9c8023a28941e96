// The control queue over a real socket, with the real limiter in worker threads: processes ask, its host dies, another takes over.
import { createBroker } from 'quorate-broker';
import { expect, it } from 'vitest';
import { createWorkerPool } from '../../../src/actors/pool/pool.ts';
import { createBridge } from '../../../src/bridge/bridge.ts';
import { toBrokerTopology } from '../../../src/bridge/topology/topology.ts';
import type { ReplyAddress } from '../../../src/contract/effect.ts';
import { declareEntities } from '../../../src/contract/entities.ts';
import type { EventJson, Json } from '../../../src/contract/json.ts';
import { SILENT } from '../../../src/contract/ports.ts';
import { createControlMailbox } from '../../../src/mailbox/control-mailbox.ts';
import { startControlPump } from '../../../src/runtime/control-pump.ts';
import { fakeHost } from '../../kit/fake-host.ts';
import { memoryPayloads } from '../../kit/memory-storage.ts';
import { noteMachine } from '../../kit/note-machine.ts';

const LOCK_MS = 5_000;
const GPT = { kind: 'limit', name: 'gpt-5' } as const;

const ask =
  (process: string, seq: number, more: Readonly<Record<string, Json>> = {}) =>
  (from: ReplyAddress): EventJson => ({
    type: 'ask',
    process,
    seq,
    from: { ...from },
    settings: { requestsPerMinute: 600 },
    revision: 0,
    silenceMs: 30_000,
    want: { requests: 3, tokens: 0 },
    least: 0,
    back: { requests: 0, tokens: 0 },
    debt: 0,
    running: 0,
    ...more,
  });

it('an ask is answered, a push comes unasked, and a limiter whose host dies continues in another', async () => {
  const duplicateWindowMs = 60_000;
  const needs = { machineTypes: [], logicTypes: [], actionTypes: [], agents: [], control: true };
  const entities = declareEntities({ ...needs, lockDurationMs: LOCK_MS, duplicateWindowMs });
  await using cleanup = new AsyncDisposableStack();
  const broker = await createBroker({
    data: { memory: true },
    port: 0,
    topology: toBrokerTopology(entities, ''),
  });
  cleanup.defer(() => broker.stop());
  const pool = createWorkerPool({ threads: 1, turnTimeoutMs: 10_000 });
  cleanup.defer(() => pool.close());
  const connection = { kind: 'connectionString', connectionString: broker.connectionString } as const;
  const connect = async () => {
    const bridge = await createBridge({
      connection,
      prefix: '',
      topology: 'check',
      lockDurationMs: LOCK_MS,
      duplicateWindowMs,
      logger: SILENT,
    });
    cleanup.defer(() => bridge.close());
    return bridge;
  };
  const problems: string[] = [];
  const host = async () => {
    const bridge = await connect();
    const { clock } = bridge;
    const onForeignState = (session: string): void => void problems.push(session);
    startControlPump(bridge, { ...fakeHost(noteMachine, { pool, bridge, clock }), onForeignState });
    return bridge;
  };
  const first = await host();
  const bridge = await connect();
  await bridge.ensureTopology(entities);
  const mailbox = createControlMailbox(bridge, memoryPayloads(), 'process-1');
  cleanup.defer(() => mailbox.close());
  const wait = { timeoutMs: 60_000, repeatMs: 1_000 };

  const pushed: Json[] = [];
  const push = Promise.withResolvers<void>();
  const listening = mailbox.listen('limit:gpt-5', (value) => {
    pushed.push(value);
    if (pushed.length === 3) push.resolve();
  });
  await mailbox.tell(GPT, ask('one', 1)(listening.address));
  expect(await mailbox.ask(GPT, ask('two', 1), wait)).toMatchObject({ seq: 1, requests: 3, ttlMs: 2_000 });
  const seen = { good: 0, goodMs: 0, throttled: 1, failed: 0, waitMs: 60_000 };
  await mailbox.tell(GPT, ask('two', 2, { seen })(listening.address));
  await push.promise;
  const paused = { pausedMs: 60_000 };
  expect(pushed).toMatchObject([
    { seq: 1, requests: 3 },
    { seq: 2, requests: 0, ...paused },
    { push: true, ...paused },
  ]);

  await first.cut();
  await host();
  // Its pause and whom it knows have survived.
  const again = await mailbox.ask(GPT, ask('two', 2), wait);
  expect(again).toMatchObject({ seq: 2, requests: 0 });
  const { pausedMs } = again as { readonly pausedMs: number };
  expect(pausedMs).toBeGreaterThan(30_000);
  expect(await mailbox.ask(GPT, ask('three', 1), wait)).toMatchObject({ requests: 0 });
  expect(problems).toEqual([]);
  const late = mailbox.ask({ kind: 'lane', name: 'x' }, ask('two', 1), { timeoutMs: 200, repeatMs: 1_000 });
  await expect(late).rejects.toMatchObject({
    code: 'RESULT_TIMEOUT',
    message: "lane 'x' did not answer in time",
  });
});
