import { expect, it } from 'vitest';
import type { HeldSession, Taken } from '../../../src/contract/ports.ts';
import type { InboundMessage } from '../../../src/contract/wire.ts';
import { createLife } from '../../../src/testing/life.ts';
import { Recorder } from '../../../src/testing/places.ts';
import { WatchedSession } from '../../../src/testing/seam.ts';

const message = (sequenceNumber: number): InboundMessage => ({
  messageId: String(sequenceNumber),
  subject: 'event',
  body: null,
  properties: {},
  sequenceNumber,
  deliveryCount: 0,
  enqueuedAt: 0,
});

function watched(recorder: Recorder) {
  const done: string[] = [];
  const messages = [message(1), message(2)];
  const session: HeldSession = {
    entity: 'actor.order',
    sessionId: 'o',
    readState: async () => ({ kind: 'state', state: null }),
    take: async (): Promise<Taken> => ({ kind: 'messages', messages }),
    commit: async () => {
      done.push('commit');
      return 'committed';
    },
    settle: async (settled) => {
      done.push(`settle ${messages.indexOf(settled) + 1}`);
      return 'settled';
    },
    peekScheduled: async () => [],
    receiveDeferred: async () => [],
  };
  const life = createLife(recorder);
  return { life, done, session: new WatchedSession(session, life) };
}

it('a dead process writes nothing more', async () => {
  const recorder = new Recorder({
    step: 'before-write',
    where: 'order/o',
    nth: 1,
    locked: true,
    repeatable: false,
  });
  const { life, done, session } = watched(recorder);
  recorder.onTarget(() => {
    life.kill();
    return undefined;
  });
  expect(await session.commit(null)).toBe('lost');
  expect(await session.settle(message(1), { kind: 'complete' })).toBe('lost');
  expect(done).toEqual([]);
});

it('a frozen process goes on where it stood', async () => {
  const { life, done, session } = watched(new Recorder());
  const thaw = life.freeze();
  const commit = session.commit(null);
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toEqual([]);
  thaw();
  expect(await commit).toBe('committed');
});

it('what is given back in the middle of a window comes again behind the rest, and can be settled', async () => {
  const recorder = new Recorder({
    step: 'window',
    where: 'order/o',
    nth: 1,
    locked: true,
    repeatable: false,
  });
  const { done, session } = watched(recorder);
  recorder.onTarget((act) => {
    act.abandon?.();
    return undefined;
  });
  const take = async () => {
    const taken = await session.take({ max: 10, idleMs: 10 });
    return taken.kind === 'messages' ? taken.messages : [];
  };
  expect((await take()).map(({ sequenceNumber }) => sequenceNumber)).toEqual([2]);
  const [again] = await take();
  expect(again).toMatchObject({ sequenceNumber: 1, deliveryCount: 1 });
  await session.settle(again as InboundMessage, { kind: 'complete' });
  expect(done).toEqual(['settle 1']);
});
