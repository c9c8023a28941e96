import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../src/contract/json.ts';
import type { InboundMessage } from '../../../../src/contract/wire.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { asker, event, note, notesOf, reply, start, stateOf } from '../../../kit/notes.ts';

async function started(): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(fakeHost(noteMachine));
  queue.steps.length = 0;
  return queue;
}

describe('a start', () => {
  it('that its machine refuses leaves no actor, and its asker learns why', async () => {
    const queue = new FakeQueue();
    const broken = fakeHost(noteMachine, {
      instead: ({ inputs }) => ({
        kind: 'turn',
        result: {
          state: null,
          effects: [],
          gathers: [],
          steps: [],
          threadId: 1,
          verdicts: inputs.map(() => ({ kind: 'rejected', error: { code: 'MACHINE_THREW', message: 'no' } })),
        },
      }),
    });
    queue.put(start({}, { asker }));
    await queue.hold(broken);
    expect(queue.state).toBeNull();
    expect(queue.sent).toMatchObject([{ body: { answer: 'error', error: { code: 'MACHINE_THREW' } } }]);
    expect([...queue.settled.values()]).toMatchObject([{ kind: 'deadLetter', reason: 'MACHINE_THREW' }]);
  });

  it('or query that wants its answer in a queue that is not for answers is refused', async () => {
    const queue = await started();
    const bad = { ...asker, entity: 'agent.a' };
    const message = start({}, { asker: bad });
    queue.put(message, start({}, { asker: { ...asker, sessionId: '' } }), note(1));
    await queue.hold(fakeHost(noteMachine));
    expect(queue.settled.get(message.sequenceNumber)).toMatchObject({
      kind: 'deadLetter',
      reason: 'INPUT_INVALID',
    });
    expect(notesOf(queue)).toEqual([1]);
  });
});

describe('a start that insists on its input', () => {
  const insisting = (input: Json) => start({ properties: { 'quorate-same-input': true } }, { asker, input });
  const answerTo = async (queue: FakeQueue, ...messages: InboundMessage[]): Promise<unknown[]> => {
    const before = queue.sent.length;
    queue.put(...messages);
    await queue.hold(fakeHost(noteMachine));
    return queue.sent
      .slice(before)
      .filter(({ subject }) => subject === 'answer')
      .map(({ body }) => {
        const { answer, error } = body as { answer: string; error?: { code: string } };
        return error?.code ?? answer;
      });
  };
  const input: Json = { b: [1, { d: 2, c: null }], a: 'x' };

  it('exists with the same input, in whatever order its fields come, and conflicts with another', async () => {
    const queue = new FakeQueue();
    expect(await answerTo(queue, insisting(input))).toEqual(['started']);
    const table: [Json, string][] = [
      [{ a: 'x', b: [1, { c: null, d: 2 }] }, 'exists'],
      [{ a: 'x', b: [{ c: null, d: 2 }, 1] }, 'START_CONFLICT'],
      [{ a: 'x', b: [1, { c: null, d: '2' }] }, 'START_CONFLICT'],
      [{ a: 'x' }, 'START_CONFLICT'],
      [null, 'START_CONFLICT'],
    ];
    for (const [other, answer] of table)
      expect(await answerTo(queue, insisting(other)), JSON.stringify(other)).toEqual([answer]);
    expect(await answerTo(queue, start({}, { asker, input: 'other' }))).toEqual(['exists']);
  });

  it('is told so in one batch with the first, after the end too, and no more once it is forgotten', async () => {
    const queue = new FakeQueue();
    const both = await answerTo(queue, insisting(1), insisting(2), insisting(1));
    expect(both).toEqual(['started', 'START_CONFLICT', 'exists']);
    await answerTo(queue, event('finish'));
    expect(stateOf(queue).core?.status).toBe('done');
    expect(await answerTo(queue, insisting(2))).toEqual(['START_CONFLICT']);
    const expiry = queue.sent.find(({ subject }) => subject === 'timer');
    await answerTo(queue, { ...note(0), subject: 'timer', body: expiry?.body });
    expect(await answerTo(queue, insisting(2))).toEqual(['started']);
  });

  it('knows the input of an event that brought the start, and says nothing of a life before this was kept', async () => {
    const queue = new FakeQueue();
    queue.put(inbound('event', { kind: 'event', event: { type: 'note', n: 1 }, start: { input: 7 } }));
    await queue.hold(fakeHost(noteMachine));
    expect(await answerTo(queue, insisting(8))).toEqual(['START_CONFLICT']);
    expect(await answerTo(queue, insisting(7))).toEqual(['exists']);
    const { input: _input, ...older } = stateOf(queue);
    queue.state = older;
    expect(await answerTo(queue, insisting(8))).toEqual(['exists']);
  });
});

describe('a tombstone', () => {
  const expiryOf = (queue: FakeQueue) => {
    const wire = queue.sent.find(({ subject }) => subject === 'timer');
    return { ...note(0), subject: 'timer', body: wire?.body };
  };

  it('answers "exists" until its time is over; then there is no actor any more (I13)', async () => {
    const queue = await started();
    queue.put(event('finish'));
    await queue.hold(fakeHost(noteMachine));
    queue.put(start({}, { asker }));
    await queue.hold(fakeHost(noteMachine));
    expect(queue.sent.at(-1)).toMatchObject({ body: { answer: 'exists' } });
    queue.put(expiryOf(queue));
    await queue.hold(fakeHost(noteMachine));
    expect(queue.state).toBeNull();
    queue.put(start({}, { asker }), note(5));
    await queue.hold(fakeHost(noteMachine));
    expect(queue.sent.at(-1)).toMatchObject({ body: { answer: 'started' } });
    expect(notesOf(queue)).toEqual([5]);
  });

  it('ends also when other messages came before its timer and after it', async () => {
    const queue = await started();
    queue.put(event('finish'));
    await queue.hold(fakeHost(noteMachine));
    queue.put(note(1), start({}, { asker }), expiryOf(queue), start(), note(7));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual([7]);
    expect(queue.active.size).toBe(0);
  });

  it('of an earlier life does not end a later one', async () => {
    const queue = await started();
    queue.put(event('finish'));
    await queue.hold(fakeHost(noteMachine));
    const expiry = expiryOf(queue);
    queue.put(expiry);
    await queue.hold(fakeHost(noteMachine));
    queue.put(start(), event('finish'), { ...expiry, sequenceNumber: expiry.sequenceNumber + 1_000_000 });
    await queue.hold(fakeHost(noteMachine));
    expect(stateOf(queue).core?.status).toBe('done');
  });
});

describe('what was asked for in an earlier life', () => {
  const bodyOf = (queue: FakeQueue, subject: string) =>
    queue.sent.filter((message) => message.subject === subject).at(-1)?.body as Record<string, Json>;
  /** Asks its agent, and gives the two messages that may end the wait: the answer, and the deadline's timer. */
  async function ask(queue: FakeQueue): Promise<readonly [InboundMessage, InboundMessage]> {
    queue.put(event('ask'));
    await queue.hold(fakeHost(noteMachine));
    const { execution } = bodyOf(queue, 'task') as { execution: string };
    const deadline = inbound('timer', bodyOf(queue, 'timer'));
    return [reply(execution, execution), deadline];
  }

  it('is neither an answer nor a timer of the next, though both count from one (I4, I8)', async () => {
    const queue = await started();
    const old = await ask(queue);
    queue.put(inbound('purge', { kind: 'purge', asker }));
    await queue.hold(fakeHost(noteMachine));
    expect(queue.state).toBeNull();
    queue.put(start());
    await queue.hold(fakeHost(noteMachine));
    const [answer] = await ask(queue);
    queue.put(...old);
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual([]);
    expect(queue.active.size).toBe(0);
    queue.put(answer);
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toHaveLength(1);
  });
});
