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

it('I2: a send that could not begin within half the duplicate window waits until the state has been read anew', async () => {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(noteMachine));
  let now = 1_000_000;
  const clock = { now: () => now };
  const host = () => fakeHost(noteMachine, { clock, duplicateWindowMs: 60_000 });
  queue.put(note(1));
  const stalled = host();
  await queue.hold(stalled, {
    before: ({ kind }) => {
      if (kind === 'commit') now += 30_001;
    },
  });
  expect([notesOf(queue), emitted(queue)]).toEqual([[1], []]);
  expect(stalled.problems.join()).toContain('half the duplicate window');
  await queue.hold(host());
  expect([notesOf(queue), emitted(queue), queue.repeats]).toEqual([[1], [1], []]);
});
