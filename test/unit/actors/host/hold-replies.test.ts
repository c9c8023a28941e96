import { describe, expect, it } from 'vitest';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { event, note, notesOf, partial, query, reply, start, stateOf } from '../../../kit/notes.ts';

async function started(): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(noteMachine));
  queue.steps.length = 0;
  return queue;
}

describe('a deferred piece', () => {
  it('is no suspect, though its deferral counts as a delivery', async () => {
    const queue = await started();
    queue.put(event('ask'), partial('2.0', 1));
    await queue.hold(fakeHost(noteMachine));
    queue.steps.length = 0;
    queue.put(partial('2.0', 0));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual(['p0', 'p1']);
    expect(queue.commits()).toHaveLength(2);
  });

  it('that nobody waits for any more is completed', async () => {
    const queue = await started();
    queue.put(event('ask'), partial('2.0', 3), partial('2.0', 2));
    await queue.hold(fakeHost(noteMachine));
    expect(queue.deferred.size).toBe(2);
    queue.put(reply('2.0', 'end'));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual(['end']);
    expect(queue.deferred.size).toBe(0);
    queue.put(note(1));
    await queue.hold(fakeHost(noteMachine));
    expect(stateOf(queue).deferred).toEqual({});
  });

  it('is applied although its deferral was still on its way when its turn came', async () => {
    const queue = await started();
    queue.put(event('ask'), partial('2.0', 1), partial('2.0', 0), reply('2.0', 'end'));
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    await queue.hold(fakeHost(noteMachine), {
      takes: [2, 1, 1],
      before: async (step) => {
        if (step.kind === 'settle' && step.disposition.kind === 'defer') await held;
        // The next batch has been committed meanwhile.
        else if (step.kind === 'commit') setImmediate(letGo);
      },
    });
    expect(notesOf(queue)).toEqual(['p0', 'p1', 'end']);
  });

  it('runs only under a message that the state knows: by a query nobody could tell that its turn was committed (I5)', async () => {
    const queue = await started();
    queue.put(event('ask'), partial('2.0', 1));
    await queue.hold(fakeHost(noteMachine));
    const state = stateOf(queue);
    const execution = { ...state.core?.executions['2.0'], nextPartial: { '0': 1 } };
    queue.keep({ ...state, core: { ...state.core, executions: { '2.0': execution } } } as never);
    queue.steps.length = 0;
    queue.put(query());
    await queue.hold(fakeHost(noteMachine));
    expect(queue.log()).not.toContain('fetch');
    queue.put(event('ring'));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual(['p1']);
  });

  it('that is gone from the broker is forgotten, not asked for for ever', async () => {
    const queue = await started();
    queue.put(event('ask'), partial('2.0', 1));
    await queue.hold(fakeHost(noteMachine));
    queue.deferred.clear();
    queue.put(partial('2.0', 0));
    await queue.hold(fakeHost(noteMachine));
    queue.put(note(1));
    await queue.hold(fakeHost(noteMachine));
    queue.steps.length = 0;
    queue.put(note(2));
    await queue.hold(fakeHost(noteMachine));
    expect(queue.log()).not.toContain('fetch');
    expect(stateOf(queue).deferred).toEqual({});
  });
});

describe('answers that nobody waits for (I9)', () => {
  it('are dropped and counted, without a commit', async () => {
    const queue = await started();
    queue.put(event('ask'), reply('2.0', 'first'));
    await queue.hold(fakeHost(noteMachine));
    queue.steps.length = 0;
    queue.put(reply('2.0', 'again'), partial('2.0', 0));
    const host = fakeHost(noteMachine);
    await queue.hold(host);
    expect(queue.commits()).toEqual([]);
    expect(host.counters.dropped).toBe(2);
    expect(notesOf(queue)).toEqual(['first']);
    expect(queue.active.size).toBe(0);
  });

  it('of an invoke that was entered again belong to the old execution', async () => {
    const queue = await started();
    queue.put(
      event('ask'),
      reply('2.0', 'first'),
      event('ask'),
      reply('2.0', 'late'),
      reply('4.0', 'second'),
    );
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual(['first', 'second']);
  });
});
