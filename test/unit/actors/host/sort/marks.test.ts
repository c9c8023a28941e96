import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import type { LetterMark } from '../../../../../src/contract/letters.ts';
import type { InboundMessage } from '../../../../../src/contract/wire.ts';
import { agent } from '../../../../../src/machines/agent.ts';
import { deadline } from '../../../../../src/machines/policies.ts';
import { scatter } from '../../../../../src/machines/scatter.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import { FakeQueue } from '../../../../kit/fake-queue.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { noteMachine } from '../../../../kit/note-machine.ts';
import { event, notesOf, start, stateOf } from '../../../../kit/notes.ts';

/** Has no `onError`: a failed task ends it. */
const frail = setup({ actors: { a: agent<string, null>() } }).createMachine({
  initial: 'open',
  states: { open: { on: { ask: 'asking' } }, asking: { invoke: { src: 'a', input: null, onDone: 'open' } } },
});

/** Has no `onError` either, and is content with one answer of what comes in time. */
const gathering = setup({ actors: { fan: scatter() } }).createMachine({
  initial: 'gathering',
  states: {
    gathering: {
      invoke: {
        src: 'fan',
        input: { agents: ['a'], items: [1, 2], policy: deadline(1_000), collect: 'counts' },
        onDone: 'done',
      },
    },
    done: { type: 'final' },
  },
});

const failure = (execution: string, letter: string): InboundMessage =>
  inbound(
    'reply',
    { kind: 'reply', execution, outcome: { status: 'error', error: { code: 'E1', message: 'no' } } },
    { properties: { 'quorate-letter': letter } },
  );

function executionOf(queue: FakeQueue): string {
  const task = queue.sent.findLast(({ subject }) => subject === 'task');
  if (task === undefined) throw new Error('no task was sent');
  return (task.body as { execution: string }).execution;
}

const marks = (queue: FakeQueue): LetterMark[] =>
  queue.sent
    .filter(({ entity, subject }) => entity === 'remediation' && subject === 'mark')
    .flatMap(({ body }) => (body as unknown as { marks: LetterMark[] }).marks);

async function asking(machine: typeof noteMachine | typeof frail): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start(), event('ask'));
  await queue.hold(fakeHost(machine));
  return queue;
}

describe('a dead letter is marked by who was told of it', () => {
  it('as handled when a transition took the failure, in one message a batch with what was stale', async () => {
    const queue = await asking(noteMachine);
    const execution = executionOf(queue);
    queue.put(failure(execution, 'taken'), failure(execution, 'late'), failure('9.9', 'nobody'));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual(['E1']);
    expect(marks(queue)).toEqual(['taken', 'late', 'nobody'].map((letter) => ({ letter, handled: true })));
    expect(queue.sent.filter(({ subject }) => subject === 'mark')).toHaveLength(1);
  });

  it('as handled when its actor has ended, is forgotten, or lives another life', async () => {
    const queue = await asking(noteMachine);
    queue.put(event('finish'));
    await queue.hold(fakeHost(noteMachine));
    queue.put(failure('2.0', 'ended'));
    await queue.hold(fakeHost(noteMachine));
    const other = await asking(noteMachine);
    other.put(failure('2.0~aaaaaaaa', 'earlier life'));
    await other.hold(fakeHost(noteMachine));
    const none = new FakeQueue();
    none.put(failure('2.0', 'forgotten'));
    await none.hold(fakeHost(noteMachine));
    expect([queue, other, none].flatMap(marks)).toEqual(
      ['ended', 'earlier life', 'forgotten'].map((letter) => ({ letter, handled: true })),
    );
  });

  it('as not handled when it ended the actor in error; another of that batch is stale', async () => {
    const queue = await asking(frail);
    const execution = executionOf(queue);
    queue.put(failure('9.9', 'before'), failure(execution, 'blow'), failure('9.8', 'after'));
    await queue.hold(fakeHost(frail));
    expect(stateOf(queue).core?.status).toBe('error');
    expect(marks(queue)).toEqual([
      { letter: 'before', handled: true },
      { letter: 'blow', handled: false },
      { letter: 'after', handled: true },
    ]);
  });

  it('also when a crash comes between the commit and the mark', async () => {
    const queue = await asking(noteMachine);
    queue.put(failure(executionOf(queue), 'taken'));
    await queue.hold(fakeHost(noteMachine), {
      fate: ({ kind }) => (kind === 'publish' ? 'dies-before' : 'done'),
    });
    expect(marks(queue)).toEqual([]);
    await queue.hold(fakeHost(noteMachine));
    expect(marks(queue)).toEqual([{ letter: 'taken', handled: true }]);
  });

  it('as not handled when it was the last of a gather with a deadline, which has no answer then', async () => {
    const queue = new FakeQueue();
    queue.put(start());
    await queue.hold(fakeHost(gathering));
    const execution = executionOf(queue);
    const lapsed = (branch: number): InboundMessage => {
      const error = { code: 'DEADLINE_EXCEEDED', message: 'lapsed' };
      const body = { kind: 'reply', execution, branch, outcome: { status: 'error', error } };
      return inbound('reply', body, { properties: { 'quorate-letter': `lapsed ${branch}` } });
    };
    queue.put(lapsed(0), lapsed(1));
    await queue.hold(fakeHost(gathering));
    expect(stateOf(queue).core?.status).toBe('error');
    expect(marks(queue)).toEqual([
      { letter: 'lapsed 0', handled: true },
      { letter: 'lapsed 1', handled: false },
    ]);
  });

  it('costs a reply without a letter nothing', async () => {
    const queue = await asking(noteMachine);
    queue.put({ ...failure(executionOf(queue), ''), properties: {} });
    await queue.hold(fakeHost(noteMachine));
    expect(queue.sent.filter(({ entity }) => entity === 'remediation')).toEqual([]);
  });
});
