// I9 Stale results are harmless: what the machine no longer waits for is dropped and counted.
import { expect, it } from 'vitest';
import { assign, setup, spawnChild } from 'xstate';
import { inLife } from '../../../src/actors/protocol/ids.ts';
import { agent } from '../../../src/machines/agent.ts';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { event, notesOf, reply, start, stateOf } from '../../kit/notes.ts';
import { TestActor } from '../actors/core/turns.ts';

it('I9: a second answer to the same task is dropped and counted; a re-entered invoke is another execution', async () => {
  const queue = new FakeQueue();
  queue.put(start(), event('ask'));
  const host = fakeHost(noteMachine);
  await queue.hold(host);
  const [execution = ''] = Object.keys(stateOf(queue).core?.executions ?? {});
  queue.put(reply(execution, 'first'));
  await queue.hold(host);
  queue.put(event('ask'));
  await queue.hold(host);
  expect(Object.keys(stateOf(queue).core?.executions ?? {})).not.toContain(execution);
  queue.put(reply(execution, 'again'));
  await queue.hold(host);
  expect(notesOf(queue)).toEqual(['first']);
  expect(host.counters.dropped).toBe(1);
});

it('I9: an answer to an earlier life of an actor is dropped and counted, though this one waits under its number', async () => {
  const queue = new FakeQueue();
  queue.put(start(), event('ask'));
  const host = fakeHost(noteMachine);
  await queue.hold(host);
  const { executions = {}, incarnation = '' } = stateOf(queue).core ?? {};
  const [execution = ''] = Object.keys(executions);
  queue.put(reply(inLife(execution, 'another life'), 'of before'));
  await queue.hold(host);
  expect(host.counters.dropped).toBe(1);
  queue.put(reply(inLife(execution, incarnation), 'of now'));
  await queue.hold(host);
  expect(notesOf(queue)).toEqual(['of now']);
});

it('I9: a spawned task is answered once, also while its machine stays where it is', () => {
  const spawning = setup({ actors: { a: agent<string, null>() } }).createMachine({
    context: { answers: 0 },
    entry: spawnChild('a', { id: 'one', input: null }),
    on: { 'xstate.done.actor.one': { actions: assign({ answers: ({ context }) => context.answers + 1 }) } },
  });
  const actor = new TestActor(spawning, {
    registry: { agents: { a: { deadlineMs: 60_000 } }, machines: {} },
  });
  actor.start();
  const [execution = ''] = Object.keys(actor.state?.executions ?? {});
  expect(actor.reply(execution, 'first').verdicts).toEqual([{ kind: 'applied' }]);
  expect(actor.reply(execution, 'again').verdicts).toMatchObject([{ kind: 'stale' }]);
  expect(actor.state?.snapshot).toMatchObject({ context: { answers: 1 } });
});
