import type { ServiceBusMessage, ServiceBusSender } from '@azure/service-bus';
import Long from 'long';
import { describe, expect, it } from 'vitest';
import { PublishCall } from '../../../../src/bridge/publish/publish-call.ts';
import { Scheduler } from '../../../../src/bridge/publish/scheduler.ts';
import type { Delivery } from '../../../../src/bridge/publish/until-accepted.ts';
import { MAX_BODY_BYTES, MAX_HEADER_BYTES } from '../../../../src/contract/sizes.ts';
import type { WireMessage } from '../../../../src/contract/wire.ts';

const logger = { debug() {}, info() {}, warn() {}, error() {} };

function world(missing: readonly number[] = []) {
  const requests: { due: number; ids: string[] }[] = [];
  const cancelled: number[][] = [];
  let next = 1;
  const sender = {
    scheduleMessages: async (messages: ServiceBusMessage[], due: Date) => {
      requests.push({ due: due.getTime(), ids: messages.map(({ messageId }) => String(messageId)) });
      return messages.map(() => Long.fromNumber(next++));
    },
    cancelScheduledMessages: async (numbers: Long[]) => {
      const plain = numbers.map((number) => number.toNumber());
      if (plain.some((number) => missing.includes(number)))
        throw Object.assign(new Error('not found'), { code: 'MessageNotFound' });
      cancelled.push(plain);
    },
  } as unknown as ServiceBusSender;
  const delivery: Delivery = {
    run: ({ attempt }) =>
      attempt(sender, { aborted: false, addEventListener() {}, removeEventListener() {} }),
  };
  return { scheduler: new Scheduler({ entity: 'q', delivery, logger }), requests, cancelled };
}

function push(scheduler: Scheduler, messages: readonly Partial<WireMessage>[]) {
  const call = new PublishCall(messages.length);
  for (const [index, more] of messages.entries()) {
    const message = { entity: 'q', messageId: `m${index}`, subject: 'timer', body: {}, ...more } as const;
    scheduler.push({ message, call, index });
  }
  return call.promise;
}

describe('Scheduler', () => {
  it('makes one request an enqueue time, and gives each message its own number', async () => {
    const { scheduler, requests } = world();
    const published = await push(scheduler, [{ notBefore: 10 }, { notBefore: 20 }, { notBefore: 10 }]);
    expect(requests).toEqual([
      { due: 10, ids: ['m0', 'm2'] },
      { due: 20, ids: ['m1'] },
    ]);
    expect(published).toEqual([{ sequenceNumber: 1 }, { sequenceNumber: 3 }, { sequenceNumber: 2 }]);
  });

  it('cuts requests by number and by weight, and refuses what fits none', async () => {
    const { scheduler, requests } = world();
    await push(
      scheduler,
      Array.from({ length: 150 }, () => ({ notBefore: 10 })),
    );
    expect(requests.map(({ ids }) => ids.length)).toEqual([100, 50]);

    requests.length = 0;
    const body = 'x'.repeat(80_000);
    await push(
      scheduler,
      Array.from({ length: 5 }, () => ({ notBefore: 10, body })),
    );
    expect(requests.map(({ ids }) => ids.length)).toEqual([2, 2, 1]);

    const large = push(scheduler, [{ notBefore: 10, body: 'x'.repeat(300_000) }]);
    await expect(large).rejects.toMatchObject({ code: 'EFFECT_TOO_LARGE' });
  });

  it('takes whatever may be a message, alone if need be', async () => {
    const { scheduler, requests } = world();
    const body = 'x'.repeat(MAX_BODY_BYTES - 2);
    const properties = { long: 'p'.repeat(MAX_HEADER_BYTES - 1_000) };
    await push(scheduler, [{ notBefore: 10 }, { notBefore: 10, body, properties }, { notBefore: 10 }]);
    expect(requests.map(({ ids }) => ids.length)).toEqual([1, 1, 1]);
  });

  it('cancels the others when one number is not there any more', async () => {
    const { scheduler, cancelled } = world([2]);
    expect(await scheduler.cancel([1, 2, 3])).toEqual([2]);
    expect(await scheduler.cancel([])).toEqual([]);
    expect(cancelled).toEqual([[1], [3]]);
  });
});
