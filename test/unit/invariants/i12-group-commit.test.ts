// I12 Group commit: everything that waits in a session is folded in one batch.
import { expect, it } from 'vitest';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { note, notesOf, start } from '../../kit/notes.ts';

it('I12: a backlog of 200 messages is one state write and one send', async () => {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(noteMachine));
  queue.steps.length = 0;
  queue.put(...Array.from({ length: 200 }, (_, n) => note(n)));
  await queue.hold(fakeHost(noteMachine));
  expect(notesOf(queue)).toHaveLength(200);
  const log = queue.log();
  expect(log.filter((kind) => kind === 'commit')).toHaveLength(1);
  expect(log.filter((kind) => kind === 'publish')).toHaveLength(1);
});
