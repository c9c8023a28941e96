// I2 One commit: nothing of a turn is seen before it, and all of it after it, whoever dies.
import { expect, it } from 'vitest';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { emitted, note, notesOf, start } from '../../kit/notes.ts';

it('I2: the effects of a turn that was not committed never leave', async () => {
  const queue = new FakeQueue();
  queue.put(start(), note(1));
  await queue.hold(fakeHost(noteMachine), { fate: ({ kind }) => (kind === 'commit' ? 'lost' : 'done') });
  expect(queue.sent).toEqual([]);
});

it('I2: the effects of a committed turn leave, also when its host dies before it has sent them', async () => {
  const queue = new FakeQueue();
  queue.put(start(), note(1));
  await queue.hold(fakeHost(noteMachine), {
    fate: ({ kind }) => (kind === 'publish' ? 'dies-before' : 'done'),
  });
  expect(emitted(queue)).toEqual([]);
  await queue.hold(fakeHost(noteMachine));
  expect([notesOf(queue), emitted(queue)]).toEqual([[1], [1]]);
});
