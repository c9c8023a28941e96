// I3 Deterministic ids: what is sent again carries its id; what is another message never carries one that was used.
import { expect, it } from 'vitest';
import { effectMessageId } from '../../../src/actors/protocol/ids.ts';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { emitted, note, start } from '../../kit/notes.ts';

const place = { actor: { type: 'm', id: '1' }, incarnation: 'i', epoch: 'e', turn: 3, index: 0 };

it('I3: a committed outbox is sent again under the same ids', async () => {
  const queue = new FakeQueue();
  queue.put(start(), note(1));
  await queue.hold(fakeHost(noteMachine), {
    fate: ({ kind }) => (kind === 'publish' ? 'dies-after' : 'done'),
  });
  await queue.hold(fakeHost(noteMachine));
  expect(queue.repeats.length).toBeGreaterThan(0);
  expect(emitted(queue)).toEqual([1]);
});

it('I3: a turn that is run again after a lost commit never uses the ids of its first run', () => {
  const first = effectMessageId('events', place);
  expect(effectMessageId('events', { ...place })).toBe(first);
  const others = [
    effectMessageId('events', { ...place, epoch: 'f' }),
    effectMessageId('events', { ...place, incarnation: 'j' }),
    effectMessageId('events', { ...place, turn: 4 }),
    effectMessageId('events', { ...place, index: 1 }),
    effectMessageId('actor.m', place),
  ];
  expect(new Set([first, ...others]).size).toBe(6);
});
