// I4 Applied once: a message that comes again, under its own number or another, changes nothing.
import { expect, it } from 'vitest';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { note, notesOf, start } from '../../kit/notes.ts';

it('I4: what was applied and not settled is settled when it comes again, as it was decided', async () => {
  const queue = new FakeQueue();
  queue.put(start(), note(1));
  await queue.hold(fakeHost(noteMachine), {
    fate: ({ kind }) => (kind === 'settle' ? 'dies-before' : 'done'),
  });
  expect(queue.active.size).toBeGreaterThan(0);
  await queue.hold(fakeHost(noteMachine));
  expect(notesOf(queue)).toEqual([1]);
  expect(queue.active.size).toBe(0);
});

it('I4: the same effect of a peer is applied once, whatever number it comes under', async () => {
  const from = {
    'quorate-from': 'peer/1',
    'quorate-incarnation': 'i',
    'quorate-turn': 2,
    'quorate-index': 0,
  };
  const queue = new FakeQueue();
  queue.put(start(), note(1, { properties: from }));
  await queue.hold(fakeHost(noteMachine));
  queue.put(note(1, { properties: from }), note(2, { properties: { ...from, 'quorate-index': 1 } }));
  await queue.hold(fakeHost(noteMachine));
  expect(notesOf(queue)).toEqual([1, 2]);
});
