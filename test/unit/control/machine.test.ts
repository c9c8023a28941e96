// A reducer as an actor: asked, answered, woken; and its host dies at any step.
import { describe, expect, it } from 'vitest';
import { describeMachine } from '../../../src/actors/core/describe.ts';
import { toControl } from '../../../src/actors/protocol/control.ts';
import type { Reducer } from '../../../src/contract/control.ts';
import { actorOf, CONTROL } from '../../../src/contract/entities.ts';
import type { InboundMessage } from '../../../src/contract/wire.ts';
import { controlMachine } from '../../../src/control/machine.ts';
import { controlMachineRef } from '../../../src/runtime/control-pump.ts';
import { fakeHost } from '../../kit/fake-host.ts';
import { FakeQueue } from '../../kit/fake-queue.ts';
import { inbound } from '../../kit/inbound.ts';

interface Count {
  readonly sum: number;
  readonly woken: number;
  readonly seen: readonly string[];
}

/** Adds what it is given, once for each id, and looks again a second after it was asked. */
const count: Reducer<Count> = (state = { sum: 0, woken: 0, seen: [] }, event, now) => {
  if (event.type === 'wake') return { state: { ...state, woken: state.woken + 1 }, answers: [] };
  const { id, add, to } = event as unknown as {
    id: string;
    add: number;
    to: { entity: string; sessionId: string };
  };
  const isNew = !state.seen.includes(id);
  const next = isNew ? { ...state, sum: state.sum + add, seen: [...state.seen, id] } : state;
  const answer = { to: { ...to, correlationId: id }, value: { sum: next.sum } };
  return { state: next, answers: [answer, answer], wakeAt: now + 1_000 };
};
const machine = controlMachine('count', count);
const ref = controlMachineRef('limit');
const host = (): ReturnType<typeof fakeHost> => fakeHost(machine, { machine: ref });

function ask(id: string, add: number, entity = 'replies'): InboundMessage {
  const event = { type: 'ask', id, add, to: { entity, sessionId: 's' } };
  const { subject, body, messageId } = toControl({ kind: 'limit', name: 'x' }, event, id);
  return inbound(subject, body, { messageId, properties: {} });
}

const contextOf = (queue: FakeQueue): unknown =>
  (queue.state as { core: { snapshot: { context: unknown } } }).core.snapshot.context;

describe('a reducer as an actor', () => {
  it('is made by the first ask, in the queue that all of its kind share', () => {
    const message = toControl({ kind: 'limit', name: 'gpt-5' }, { type: 'ask' }, 'm');
    expect(message).toMatchObject({ entity: CONTROL, sessionId: 'limit:gpt-5' });
    expect(actorOf(CONTROL, 'limit:gpt-5')).toBe('$limit/limit:gpt-5');
    expect(() => describeMachine(machine, ref)).not.toThrow();
  });

  it('answers a process in its session of replies, and an actor in its own', async () => {
    const queue = new FakeQueue();
    queue.put(ask('p', 2), ask('grant~life', 3, 'actor.order'));
    await queue.hold(host());
    const said = queue.sent.filter(({ subject }) => subject !== 'timer');
    const toProcess = { entity: 'replies', sessionId: 's', correlationId: 'p', subject: 'answer' };
    const toActor = { entity: 'actor.order', sessionId: 's', subject: 'granted' };
    expect(said).toMatchObject([
      {
        ...toProcess,
        body: { kind: 'answer', answer: 'outcome', outcome: { status: 'done', output: { sum: 2 } } },
      },
      toProcess,
      { ...toActor, body: { kind: 'granted', execution: 'grant~life', value: { sum: 5 } } },
      toActor,
    ]);
    expect(new Set(said.map(({ messageId }) => messageId)).size).toBe(4);
  });

  it('has one wake at a time, and it is itself that is woken', async () => {
    const queue = new FakeQueue();
    queue.put(ask('p', 2));
    await queue.hold(host());
    queue.put(ask('q', 2));
    await queue.hold(host());
    const wakes = [...queue.scheduled.values()];
    expect(wakes).toHaveLength(1);
    queue.put(inbound('timer', wakes[0]?.body ?? null));
    await queue.hold(host());
    expect(contextOf(queue)).toMatchObject({ state: { sum: 4, woken: 1 }, wakeAt: null });
  });

  it('loses and doubles nothing when its host dies or loses its lock at any step', async () => {
    const live = async (at = -1, fate: 'dies-before' | 'dies-after' | 'lost' | 'lost-after' = 'lost') => {
      const queue = new FakeQueue();
      queue.put(ask('a', 1), ask('b', 2, 'actor.order'), ask('c', 4));
      let steps = 0;
      for (let holds = 0; queue.active.size > 0; holds++) {
        if (holds > 20) throw new Error('still not done');
        steps = 0;
        await queue.hold(host(), {
          takes: [1, 2],
          fate: () => (holds === 0 && steps++ === at ? fate : 'done'),
        });
      }
      return { queue, steps };
    };
    const { steps } = await live();
    expect(steps).toBeGreaterThan(4);
    for (let at = 0; at < steps; at++) {
      for (const fate of ['dies-before', 'dies-after', 'lost', 'lost-after'] as const) {
        const { queue } = await live(at, fate);
        expect(contextOf(queue), `${fate} at ${at}`).toMatchObject({
          state: { sum: 7, seen: ['a', 'b', 'c'] },
        });
        const answers = queue.sent.filter(({ subject }) => subject !== 'timer');
        expect(answers.map(({ body }) => JSON.stringify(body)).length).toBe(6);
      }
    }
  });
});
