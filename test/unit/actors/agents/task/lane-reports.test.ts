import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLaneReports } from '../../../../../src/actors/agents/task/lane-reports.ts';
import { PROPERTY, type WireMessage } from '../../../../../src/contract/wire.ts';
import { type Began, readBegan } from '../../../../../src/control/lane/protocol.ts';
import { inbound } from '../../../../kit/inbound.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

function setUp({ publish, skips }: { publish?: () => Promise<never>; skips?: true } = {}) {
  const sent: WireMessage[] = [];
  let running = 0;
  const reports = createLaneReports({
    agent: 'a',
    process: 'p',
    concurrency: 4,
    running: () => running,
    bridge: {
      publish: async (messages) => {
        await publish?.();
        sent.push(...messages);
        return messages.map(() => ({}));
      },
    },
    clock: { now: () => 1, ...(skips === undefined ? {} : { skips }) },
    logger: silent,
  });
  return {
    reports,
    sent,
    said: (): Began[] =>
      sent.map(({ body }) => readBegan((body as never as { event: never }).event) as Began),
    took: (tenant?: string) => {
      running += 1;
      reports.took(
        inbound('task', null, {
          properties: tenant === undefined ? {} : { [PROPERTY.tenant]: tenant },
        }),
      );
    },
    ended: (count = 1) => {
      for (let n = 0; n < count; n++) {
        running -= 1;
        reports.ended();
      }
    },
  };
}

it('says in one message what came out of the queue since the last, by tenant', async () => {
  const { took, said, sent } = setUp();
  for (const tenant of ['acme', 'acme', undefined]) took(tenant);
  expect(said()).toEqual([]);
  await vi.advanceTimersByTimeAsync(250);
  expect(said()).toEqual([
    { type: 'began', process: 'p', seq: 1, tenants: { acme: 2, '': 1 }, concurrency: 4, running: 3 },
  ]);
  expect(sent[0]).toMatchObject({ entity: 'control', sessionId: 'lane:a' });
  took('acme');
  await vi.advanceTimersByTimeAsync(250);
  expect(said()[1]).toMatchObject({ seq: 2, tenants: { acme: 1 } });
  expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(2);
});

it('says that it is free again, that it is still there while it runs something, and nothing while it rests', async () => {
  const { took, ended, said } = setUp();
  for (let n = 0; n < 4; n++) took();
  await vi.advanceTimersByTimeAsync(250);
  expect(said().at(-1)).toMatchObject({ running: 4 });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(said()).toHaveLength(2);
  ended(4);
  await vi.advanceTimersByTimeAsync(250);
  expect(said().at(-1)).toMatchObject({ running: 0, tenants: {} });
  const before = said().length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(said()).toHaveLength(before);
});

it('says that it takes no more, and nothing where it never took anything', async () => {
  const { reports, took, said } = setUp();
  took('acme');
  await reports.stop();
  expect(said()).toMatchObject([{ tenants: { acme: 1 }, concurrency: 0 }]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(said()).toHaveLength(1);
  const idle = setUp();
  await idle.reports.stop();
  expect(idle.said()).toEqual([]);
});

it('lets a report go that is not taken: the next one is told', async () => {
  let fails = true;
  const publish = async (): Promise<never> => {
    if (fails) throw new Error('no');
    return undefined as never;
  };
  const { took, said } = setUp({ publish });
  took();
  await vi.advanceTimersByTimeAsync(250);
  fails = false;
  took();
  await vi.advanceTimersByTimeAsync(250);
  expect(said()).toMatchObject([{ seq: 2, tenants: { '': 1 } }]);
});

it('waits for nobody in virtual time', async () => {
  const { took, said } = setUp({ skips: true });
  took();
  await vi.advanceTimersByTimeAsync(0);
  expect(said()).toHaveLength(1);
});
