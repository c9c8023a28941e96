// I11 A dead letter is never silence, and neither is an agent that does not answer.
import { expect, it } from 'vitest';
import { createDeadLetterHandler } from '../../../src/actors/agents/dead-letters.ts';
import type { WireMessage } from '../../../src/contract/wire.ts';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { inbound } from '../../kit/inbound.ts';
import { memoryCancellations, memoryPayloads, memoryStorage } from '../../kit/memory-storage.ts';
import { noteMachine } from '../../kit/note-machine.ts';
import { event, query, start } from '../../kit/notes.ts';
import { TestActor } from '../actors/core/turns.ts';

it('I11: the asker of a dead task is told, and a copy waits for a person', async () => {
  const published: WireMessage[] = [];
  const publish = async (messages: readonly WireMessage[]) => {
    published.push(...messages);
    return messages.map(() => ({}));
  };
  const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const handle = createDeadLetterHandler({
    entity: 'agent.a',
    bridge: { publish },
    logger,
    clock: { now: () => 0 },
    cancellations: memoryCancellations(),
    onDeadLetter: () => {},
  });
  const body = {
    kind: 'task',
    agent: 'a',
    input: 1,
    key: 'k',
    execution: '2.0',
    branch: null,
    attempt: 1,
    deadlineAt: 5,
  };
  const reason = { deadLetterReason: 'TTLExpiredException', replyTo: 'actor.m', replyToSessionId: 's' };
  expect(await handle(inbound('task', body, reason))).toEqual({ kind: 'complete' });
  expect(published.map(({ entity, sessionId }) => [entity, sessionId])).toEqual([
    ['remediation', undefined],
    ['actor.m', 's'],
  ]);
  expect(published[1]?.body).toMatchObject({
    outcome: { status: 'error', error: { code: 'DEADLINE_EXCEEDED' } },
  });
});

it('I11: a task that nobody answers ends at its asker with its deadline', () => {
  const actor = new TestActor(noteMachine, {
    registry: { agents: { a: { deadlineMs: 1_000 } }, machines: {} },
  });
  actor.start();
  actor.send('ask');
  actor.now += 1_000;
  actor.passDeadline();
  expect(actor.state?.snapshot).toMatchObject({ value: 'open', context: { notes: ['DEADLINE_EXCEEDED'] } });
});

it('I11: so does the one after it, though both share a timer', () => {
  const actor = new TestActor(noteMachine, {
    registry: { agents: { a: { deadlineMs: 1_000 } }, machines: {} },
  });
  actor.start();
  actor.send('ask');
  actor.reply(Object.keys(actor.state?.executions ?? {})[0] ?? '', 'in time');
  actor.now += 500;
  actor.send('ask');
  for (const ms of [500, 500]) {
    actor.now += ms;
    actor.passDeadline();
  }
  expect(actor.state?.snapshot).toMatchObject({ context: { notes: ['in time', 'DEADLINE_EXCEEDED'] } });
});

it('I11: who asks for an actor whose state is gone is told so', async () => {
  const storage = memoryStorage();
  const host = () => fakeHost(noteMachine, { payloads: memoryPayloads(storage) });
  const queue = new FakeQueue();
  queue.put(start(), event('pad', { bytes: 400_000 }));
  await queue.hold(host());
  storage.files.clear();
  queue.put(query());
  await queue.hold(host());
  expect(queue.sent.at(-1)?.body).toMatchObject({ answer: 'error', error: { code: 'PAYLOAD_NOT_FOUND' } });
});
