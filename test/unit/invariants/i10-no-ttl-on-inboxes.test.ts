// I10 No TTL on actor inboxes: one expired message in a session can expire them all. TTL is for tasks and answers.
import { expect, it } from 'vitest';
import { toServiceBusMessage } from '../../../src/bridge/codec.ts';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { event, start } from '../../kit/notes.ts';

it('I10: what goes to an actor never expires, a task does with its deadline, and is not sent past it', async () => {
  const queue = new FakeQueue();
  queue.put(start(), event('tell', { to: 'peer', id: '1' }), event('ask'));
  await queue.hold(fakeHost(noteMachine));
  const inboxes = queue.sent.filter(({ entity }) => entity.startsWith('actor.'));
  expect(inboxes.length).toBeGreaterThan(0);
  expect(inboxes.filter(({ timeToLiveMs }) => timeToLiveMs !== undefined)).toEqual([]);
  expect(queue.sent.filter(({ subject }) => subject === 'task')).toMatchObject([{ timeToLiveMs: 60_000 }]);

  const late = new FakeQueue();
  late.put(start(), event('ask'));
  // The clock moves between the turn and its outbox.
  let now = 1_000_000;
  const clock = { now: () => now };
  // So long after its commit it may still be sent; the deadline alone is over.
  const duplicateWindowMs = 600_000;
  await late.hold(fakeHost(noteMachine, { clock, duplicateWindowMs }), {
    before: ({ kind }) => {
      if (kind === 'commit') now += 60_001;
    },
  });
  expect(late.sent.filter(({ subject }) => subject === 'task')).toEqual([]);
});

it('I10: the least time to live there is, is not the SDK’s "none"', () => {
  const message = { entity: 'q', messageId: 'm', subject: 'task', timeToLiveMs: 0, body: null } as const;
  expect(toServiceBusMessage(message).timeToLive).toBe(1);
});
