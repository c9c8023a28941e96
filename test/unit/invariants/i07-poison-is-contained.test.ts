// I7 Poison is contained: what kills its host is counted before it runs, and set aside; its neighbours are applied.
import { expect, it } from 'vitest';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { event, note, notesOf, start, stateOf } from '../../kit/notes.ts';

it('I7: a message that kills its worker each time is set aside after three attempts, each written before it ran', async () => {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(noteMachine));
  const bad = event('kill');
  const written: (number | undefined)[] = [];
  queue.put(note(1), bad, note(2));
  await queue.hold(
    fakeHost(noteMachine, {
      instead: ({ inputs }) => {
        if (!inputs.some((input) => input.kind === 'event' && input.event.type === 'kill')) return undefined;
        if (inputs.length === 1) written.push(stateOf(queue).attempts[String(bad.sequenceNumber)]);
        return { kind: 'failed', error: { code: 'WORKER_DIED', message: 'gone' } };
      },
    }),
  );
  // The first attempt alone may be the one that shows that it is to blame.
  expect(written.slice(-3)).toEqual([1, 2, 3]);
  expect(queue.settled.get(bad.sequenceNumber)).toMatchObject({
    kind: 'deadLetter',
    reason: 'TURN_POISONED',
  });
  expect(notesOf(queue)).toEqual([1, 2]);
});
