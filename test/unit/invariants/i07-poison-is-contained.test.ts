// I7 Poison is contained: what kills its host is counted before it runs, and set aside; its neighbours are applied. What nobody
// can send again ends its actor, or waits for a fix.
import { expect, it } from 'vitest';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { faultyMachine, INTERNAL } from '../../kit/faulty-machine.ts';
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

it('I7: an internal message at which the machine throws ends its actor in error, without a dead letter', async () => {
  const { queue, number } = await thrown('continue');
  expect(stateOf(queue).core).toMatchObject({ status: 'error', error: { code: 'MACHINE_THREW' } });
  expect(queue.settled.get(number)).toEqual({ kind: 'complete' });
});

it('I7: with a quarantine it is held, and the actor stays as it was', async () => {
  const { queue, number } = await thrown('quarantine');
  expect(stateOf(queue)).toMatchObject({
    core: { status: 'active' },
    quarantine: { code: 'MACHINE_THREW', parked: [number] },
  });
  expect(queue.settled.get(number)).toEqual({ kind: 'defer' });
});

async function thrown(onPoison: 'continue' | 'quarantine'): Promise<{ queue: FakeQueue; number: number }> {
  const queue = new FakeQueue();
  const host = () => fakeHost(faultyMachine, { onPoison });
  queue.put(start({}, { input: { fault: 'throws' } }));
  await queue.hold(host());
  const timer = INTERNAL['a timer'](queue);
  queue.put(timer);
  await queue.hold(host());
  return { queue, number: timer.sequenceNumber };
}
