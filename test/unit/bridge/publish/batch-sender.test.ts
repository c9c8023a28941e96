import type { ServiceBusMessage, ServiceBusSender } from '@azure/service-bus';
import { describe, expect, it } from 'vitest';
import { BatchSender } from '../../../../src/bridge/publish/batch-sender.ts';
import { type PendingMessage, PublishCall } from '../../../../src/bridge/publish/publish-call.ts';
import type { Delivery } from '../../../../src/bridge/publish/until-accepted.ts';

const LIMIT = 262_144;

/** A sender whose batches weigh their JSON, and which notes what it sent. */
function fakeSender(onSend: (ids: string[]) => Promise<void> | void = () => {}) {
  const batches: string[][] = [];
  let inFlight = 0;
  let most = 0;
  const createMessageBatch = async () => {
    const ids: string[] = [];
    let bytes = 0;
    return {
      ids,
      maxSizeInBytes: LIMIT,
      get count() {
        return ids.length;
      },
      get sizeInBytes() {
        return bytes;
      },
      tryAddMessage({ messageId, body }: ServiceBusMessage): boolean {
        const id = String(messageId);
        if (id === 'bad') throw new Error('too long');
        const weight = JSON.stringify(body).length;
        if (bytes + weight > LIMIT) return false;
        bytes += weight;
        ids.push(id);
        return true;
      },
    };
  };
  const sendMessages = async ({ ids }: { ids: string[] }) => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    await new Promise(setImmediate);
    inFlight -= 1;
    batches.push(ids);
    await onSend(ids);
  };
  const sender = { createMessageBatch, sendMessages } as unknown as ServiceBusSender;
  return { sender, batches, mostInFlight: () => most };
}

function batchSenderOver(sender: ServiceBusSender): BatchSender {
  const delivery: Delivery = {
    run: ({ attempt }) =>
      attempt(sender, { aborted: false, addEventListener() {}, removeEventListener() {} }),
  };
  return new BatchSender({ entity: 'q', delivery });
}

function push(batchSender: BatchSender, ids: readonly string[], bytes = 10, mayBegin = () => true) {
  const call = new PublishCall(ids.length, mayBegin);
  for (const [index, messageId] of ids.entries()) {
    const message = { entity: 'q', messageId, subject: 'event', body: 'x'.repeat(bytes) } as const;
    batchSender.push({ message, call, index } satisfies PendingMessage);
  }
  return call.promise;
}

const ids = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => `m${from + n}`);

describe('BatchSender', () => {
  it('sends what is pushed close in time as one batch, and what comes meanwhile as the next', async () => {
    const { sender, batches, mostInFlight } = fakeSender();
    const batchSender = batchSenderOver(sender);
    const first = [push(batchSender, ['a']), push(batchSender, ['b', 'c'])];
    await first[0];
    const second = [push(batchSender, ['d']), push(batchSender, ['e'])];
    await Promise.all([...first, ...second]);
    expect(batches).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
    expect(mostInFlight()).toBe(1);
  });

  it('cuts by number and by weight, in order', async () => {
    const { sender, batches } = fakeSender();
    const batchSender = batchSenderOver(sender);
    await push(batchSender, ids(1_200));
    expect(batches.map(({ length }) => length)).toEqual([500, 500, 200]);
    expect(batches.flat()).toEqual(ids(1_200));

    batches.length = 0;
    await push(batchSender, ids(6), 90_000);
    expect(batches.flat()).toEqual(ids(6));
    expect(batches.every(({ length }) => length <= 2)).toBe(true);
  });

  it('refuses what no batch can hold, and sends its neighbours', async () => {
    const { sender, batches } = fakeSender();
    const batchSender = batchSenderOver(sender);
    const good = push(batchSender, ['a']);
    const large = push(batchSender, ['large'], LIMIT + 1);
    const bad = push(batchSender, ['bad']);
    const after = push(batchSender, ['b']);
    await expect(large).rejects.toMatchObject({ code: 'EFFECT_TOO_LARGE' });
    await expect(bad).rejects.toMatchObject({ code: 'INPUT_INVALID' });
    await Promise.all([good, after]);
    expect(batches.flat()).toEqual(['a', 'b']);
  });

  it('begins no send of a call that waited too long, nor a repeat of one, and sends its neighbours (I2)', async () => {
    const { sender, batches } = fakeSender();
    const batchSender = batchSenderOver(sender);
    const late = push(batchSender, ['late'], 10, () => false);
    const good = push(batchSender, ['a']);
    await expect(late).rejects.toMatchObject({ code: 'ABORTED' });
    await good;
    let asked = 0;
    // In time when the batch is made, and no more when it is sent.
    await expect(push(batchSender, ['slow'], 10, () => asked++ === 0)).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(batches).toEqual([['a']]);
  });

  it('sends nothing more of a call whose earlier part failed', async () => {
    const { sender, batches } = fakeSender((sent) => {
      if (sent.includes('m0')) throw new Error('refused');
    });
    const batchSender = batchSenderOver(sender);
    const failing = push(batchSender, ids(600));
    const other = push(batchSender, ['other']);
    await expect(failing).rejects.toThrow('refused');
    await other;
    expect(batches.slice(1)).toEqual([['other']]);
  });

  it('fails everybody who waits when there is no link, and goes on later', async () => {
    const { sender, batches } = fakeSender();
    let broken = true;
    const delivery: Delivery = {
      run: ({ attempt }) =>
        broken
          ? Promise.reject(new Error('no link'))
          : attempt(sender, { aborted: false, addEventListener() {}, removeEventListener() {} }),
    };
    const batchSender = new BatchSender({ entity: 'q', delivery });
    await expect(push(batchSender, ['a'])).rejects.toThrow('no link');
    broken = false;
    await push(batchSender, ['b']);
    expect(batches).toEqual([['b']]);
    await batchSender.idle();
  });
});
