// What an actor tells the list of questions: all that it has open, whenever a batch has changed it, also where its core is lost.
import { expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { ask } from '../../../../src/machines/ask.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { type MemoryStorage, memoryPayloads, memoryStorage } from '../../../kit/memory-storage.ts';
import { asker, event, start, stateOf } from '../../../kit/notes.ts';

const machine = setup({
  types: { context: {} as { pad: string } },
  actions: { pad: assign({ pad: () => 'x'.repeat(400_000) }) },
}).createMachine({
  id: 'm',
  context: { pad: '' },
  initial: 'idle',
  states: {
    idle: { on: { go: 'asking', nothing: {} } },
    asking: { meta: ask({ question: 'Go?' }), on: { answer: 'told', back: 'idle', pad: { actions: 'pad' } } },
    told: {},
  },
});

const respond = () => inbound('respond', { kind: 'respond', value: 'yes', by: 'ann', asker });
const purge = () => inbound('purge', { kind: 'purge', asker });

async function take(
  queue: FakeQueue,
  storage: MemoryStorage,
  ...messages: ReturnType<typeof event>[]
): Promise<readonly unknown[]> {
  const before = queue.sent.length;
  queue.put(...messages);
  await queue.hold(fakeHost(machine, { payloads: memoryPayloads(storage), notifyAsks: 'slack' }));
  return queue.sent
    .slice(before)
    .filter(({ entity }) => entity === 'control')
    .map(({ sessionId, body }) => ({ sessionId, ...(body as { event: object }).event }));
}

it('is told what opens and what closes, and nothing else', async () => {
  const storage = memoryStorage();
  const queue = new FakeQueue();
  expect(await take(queue, storage, start(), event('nothing'))).toEqual([]);
  expect(queue.state).toMatchObject({ format: 3 });
  expect(queue.state).not.toHaveProperty('control');
  const [opened, ...more] = await take(queue, storage, event('go'));
  expect(more).toEqual([]);
  expect(opened).toMatchObject({
    sessionId: 'asks:m',
    actor: { type: 'm', id: '1' },
    turn: 3,
    open: { [Object.keys(stateOf(queue).core?.asks?.open ?? {})[0] ?? '']: { question: 'Go?' } },
    closed: [],
    notify: 'slack',
  });
  // A host that does not know questions would drop them.
  expect(queue.state).toMatchObject({ format: 4 });
  expect(await take(queue, storage, event('nothing'))).toEqual([]);
  expect(await take(queue, storage, respond())).toMatchObject([
    { turn: 5, open: {}, closed: [{ how: 'answered', by: 'ann', answer: 'yes', question: 'Go?' }] },
  ]);
  expect(queue.sent.findLast(({ entity }) => entity === 'replies')).toMatchObject({
    body: { answer: 'answered' },
  });
});

it.each(['gone', 'silent'] as const)(
  'is told when the actor is purged while its state is %s',
  async (how) => {
    const storage = memoryStorage();
    const queue = new FakeQueue();
    await take(queue, storage, start(), event('go'), event('pad'));
    expect(stateOf(queue).claim).toBeDefined();
    if (how === 'gone') storage.files.clear();
    else storage.fail = (operation) => (operation === 'read' ? new Error('no answer') : undefined);
    const told = await take(queue, storage, purge());
    expect(queue.state).toBeNull();
    expect(told).toMatchObject([{ open: {}, turn: 4 }]);
  },
);
