// I14 Fair: a busy session yields when others wait, and what a newer build wrote is left to it.
import { expect, it } from 'vitest';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { note, start } from '../../kit/notes.ts';
import { HOLD_QUANTUM_MS, openSession } from './session.ts';

it('I14: a session that was held for its quantum gives no more messages while others wait', async () => {
  const { session, deliver, pass } = await openSession(() => true);
  deliver(1);
  expect(await session.take({ max: 8, idleMs: 5 })).toMatchObject({ kind: 'messages' });
  pass(HOLD_QUANTUM_MS);
  deliver(2);
  expect(await session.take({ max: 8, idleMs: 5 })).toEqual({ kind: 'yield' });
});

it('I14: a state of a newer version is left untouched, and the host says so', async () => {
  const machine = (version: string) => ({ type: 'm', module: 'none', export: 'none', version, path: [] });
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(noteMachine, { machine: machine('2') }));
  const before = queue.state;
  queue.put(note(1));
  const old = fakeHost(noteMachine, { machine: machine('1') });
  expect(await queue.hold(old)).toBe('refused');
  expect(queue.state).toEqual(before);
  expect(queue.active.size).toBe(1);
  expect(old.problems).toEqual([expect.stringContaining('version 2')]);
});
