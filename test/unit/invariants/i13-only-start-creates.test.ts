// I13 Only start creates: an event for an unknown actor makes no state, and a second start changes nothing.
import { expect, it } from 'vitest';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { inbound } from '../../kit/inbound.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { asker, note, notesOf, query, start, stateOf } from '../../kit/notes.ts';

const START = { kind: 'event', start: { input: null } };

it('I13: an event or a query for nobody makes no state, and who asks is told', async () => {
  const queue = new FakeQueue();
  queue.put(note(1), query());
  await queue.hold(fakeHost(noteMachine));
  expect(queue.state).toBeNull();
  expect(queue.commits()).toEqual([]);
  expect(queue.sent).toMatchObject([{ body: { answer: 'error', error: { code: 'ACTOR_NOT_FOUND' } } }]);
});

it('I13: an event for nobody is a dead letter, and one that brings a start is no event for nobody', async () => {
  const queue = new FakeQueue();
  const [lost, starting] = [note(1), inbound('event', { ...START, event: { type: 'note', n: 2 } })];
  queue.put(lost, starting);
  await queue.hold(fakeHost(noteMachine));
  expect(queue.settled.get(lost.sequenceNumber)).toMatchObject({ reason: 'ACTOR_NOT_FOUND' });
  expect(notesOf(queue)).toEqual([2]);
});

it('I13: a second start answers "exists" and leaves the actor as it is', async () => {
  const queue = new FakeQueue();
  queue.put(start({}, { asker }), note(1));
  await queue.hold(fakeHost(noteMachine));
  const { incarnation } = stateOf(queue).core ?? {};
  queue.put(start({}, { asker: { ...asker, correlationId: 'd' } }));
  await queue.hold(fakeHost(noteMachine));
  expect(stateOf(queue).core?.incarnation).toBe(incarnation);
  expect(notesOf(queue)).toEqual([1]);
  expect(queue.sent.at(-1)?.body).toMatchObject({ answer: 'exists' });
});
