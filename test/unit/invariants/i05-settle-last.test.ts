// I5 Settle last: a message is settled after all that its turn sends was accepted.
import { expect, it } from 'vitest';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { emitted, note, start } from '../../kit/notes.ts';

it('I5: a message whose effects the broker does not take stays, and is settled once it has taken them', async () => {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(noteMachine));
  const message = note(1);
  queue.put(message);
  await queue.hold(fakeHost(noteMachine), {
    fate: ({ kind }) => (kind === 'publish' ? new Error('the broker is busy') : 'done'),
  });
  expect(queue.settled.has(message.sequenceNumber)).toBe(false);
  queue.steps.length = 0;
  await queue.hold(fakeHost(noteMachine));
  expect(emitted(queue)).toEqual([1]);
  const log = queue.log();
  expect(log.indexOf('publish')).toBeGreaterThanOrEqual(0);
  expect(log.indexOf('publish')).toBeLessThan(log.indexOf(`complete ${message.sequenceNumber}`));
});
