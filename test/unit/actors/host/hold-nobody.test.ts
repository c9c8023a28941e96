// What becomes of a message whose actor is not there: never started, ended, forgotten, standing still. Each is applied,
// held, set aside with a code, answered, or dropped and counted: never nothing.
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../src/contract/json.ts';
import type { InboundMessage } from '../../../../src/contract/wire.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { asker, emitted, event, note, notesOf, partial, reply, start, stateOf } from '../../../kit/notes.ts';

const ofPeer = { properties: { [PROPERTY.from]: 'peer/p', [PROPERTY.incarnation]: 'i' } };
/** An event that may start its actor, as a client sends it. */
const starting = (type: string, fields: Record<string, Json> = {}): InboundMessage =>
  inbound('event', { kind: 'event', event: { type, ...fields }, start: { input: null } });

type Condition = 'never started' | 'ended' | 'forgotten' | 'quarantined' | 'living';

async function actorThat(condition: Condition): Promise<FakeQueue> {
  const queue = new FakeQueue();
  if (condition === 'never started') return queue;
  queue.put(start());
  if (condition === 'ended') queue.put(event('finish'));
  if (condition === 'quarantined') queue.put(event('throw'));
  if (condition === 'forgotten') queue.put(inbound('purge', { kind: 'purge', asker }));
  const failure = { kind: 'failed', error: { code: 'WORKER_DIED', message: 'x' }, threadId: 1 } as const;
  await queue.hold(
    fakeHost(noteMachine, {
      onPoison: 'quarantine',
      instead: ({ inputs }) => {
        const [input] = inputs;
        return input?.kind === 'event' && input.event.type === 'throw' ? failure : undefined;
      },
    }),
    { takes: [1, 1] },
  );
  return queue;
}

/** One message to such an actor, and what became of it. */
async function tell(condition: Condition, message: InboundMessage) {
  const queue = await actorThat(condition);
  const sent = queue.sent.length;
  queue.steps.length = 0;
  queue.put(message);
  const host = fakeHost(noteMachine);
  await queue.hold(host);
  const settled = queue.settled.get(message.sequenceNumber);
  return {
    disposition: settled?.kind === 'deadLetter' ? settled.reason : settled?.kind,
    handled: settled?.kind === 'deadLetter' && settled.handled === true,
    description: settled?.kind === 'deadLetter' ? settled.description : '',
    answered: queue.sent.slice(sent).filter(({ subject }) => subject === 'answer').length,
    ...host.counters,
    commits: queue.commits().length,
  };
}

const absent = ['never started', 'forgotten'] as const;

describe('an event', () => {
  const kinds = {
    'of a client': () => note(1),
    'of a client, with a key': () => note(1, { properties: { [PROPERTY.key]: 'k' } }),
    'of another actor': () => note(1, ofPeer),
    'that came before': () => note(1, { deliveryCount: 1 }),
  };

  it.each(Object.entries(kinds))(
    '%s is set aside, and makes no state, when there is nobody (I13)',
    async (name, make) => {
      for (const condition of absent) {
        const told = await tell(condition, make());
        expect(told).toMatchObject({ disposition: 'ACTOR_NOT_FOUND', commits: 0, dropped: 0, applied: 0 });
        expect(told.handled).toBe(name === 'of another actor');
        expect(told.description).toMatch(/^no actor m\/\S+: it was never started, or is forgotten$/);
      }
    },
  );

  it.each(Object.entries(kinds))('%s is set aside when its actor has ended', async (name, make) => {
    const told = await tell('ended', make());
    expect(told).toMatchObject({ disposition: 'ACTOR_ENDED', dropped: 0, applied: 0 });
    expect(told.handled).toBe(name === 'of another actor');
    expect(told.description).toMatch(/^m\/\S+ has ended: done$/);
  });

  it.each(Object.entries(kinds))('%s waits where its actor stands still', async (_, make) => {
    expect(await tell('quarantined', make())).toMatchObject({ disposition: 'defer', dropped: 0 });
  });
});

describe('what nobody said', () => {
  const kinds: Record<string, () => InboundMessage> = {
    timer: () => inbound('timer', { kind: 'timer', token: 't1.0' }),
    reply: () => reply('1.0'),
    'piece of an answer': () => partial('1.0', 0),
    'snapshot of a child': () =>
      inbound('childSnapshot', { kind: 'childSnapshot', execution: '1.0', snapshot: null }),
    stop: () => inbound('stop', { kind: 'stop' }),
  };

  it.each(Object.entries(kinds))('%s is dropped and counted (I9)', async (_, make) => {
    for (const condition of [...absent, 'ended'] as const)
      expect(await tell(condition, make())).toMatchObject({
        disposition: 'complete',
        dropped: 1,
        commits: 0,
      });
  });
});

describe('what somebody asked', () => {
  const questions = ['query', 'await', 'watch', 'release', 'purge'];

  it.each(questions)('%s is answered', async (kind) => {
    const body = { kind, asker, ...(kind === 'watch' ? { leaseMs: 1 } : {}) };
    for (const condition of [...absent, 'ended'] as const)
      expect(await tell(condition, inbound(kind, body))).toMatchObject({
        disposition: 'complete',
        answered: 1,
      });
  });
});

describe('an event that may start its actor', () => {
  it('starts it and is applied, in one commit', async () => {
    for (const condition of absent) {
      const queue = await actorThat(condition);
      queue.steps.length = 0;
      queue.put(starting('note', { n: 1 }));
      await queue.hold(fakeHost(noteMachine));
      expect(queue.log().slice(0, 2)).toEqual(['commit', 'publish']);
      expect(queue.commits()).toHaveLength(1);
      expect(notesOf(queue)).toEqual([1]);
      expect(stateOf(queue).core).toMatchObject({ turn: 1, status: 'active' });
    }
  });

  it('is an event alone where the actor lives, also behind others in one batch', async () => {
    const queue = new FakeQueue();
    queue.put(starting('note', { n: 1 }), starting('note', { n: 2 }), note(3), starting('note', { n: 4 }));
    await queue.hold(fakeHost(noteMachine));
    expect(notesOf(queue)).toEqual([1, 2, 3, 4]);
    expect(stateOf(queue).core?.turn).toBe(4);
  });

  it('finds an actor that has ended, or one that stands still, as any other does', async () => {
    expect(await tell('ended', starting('note', { n: 1 }))).toMatchObject({ disposition: 'ACTOR_ENDED' });
    expect(await tell('quarantined', starting('note', { n: 1 }))).toMatchObject({ disposition: 'defer' });
  });

  it('starts nothing when the machine cannot take it, or nobody may send it', async () => {
    const refused = { throw: 'MACHINE_THREW', 'xstate.stop': 'EVENT_RESERVED' };
    for (const [type, reason] of Object.entries(refused)) {
      expect(await tell('never started', starting(type))).toMatchObject({ disposition: reason, commits: 0 });
    }
  });

  it('hangs the actor under the trace of its sender, as a start does', async () => {
    const queue = new FakeQueue();
    queue.put({ ...starting('note', { n: 1 }), traceparent: 'tp-1' }, { ...note(2), traceparent: 'tp-2' });
    await queue.hold(fakeHost(noteMachine));
    expect(stateOf(queue).traceparent).toBe('tp-1');
  });

  it('survives a crash or a lost lock at each step: started once, applied once', async () => {
    const live = async (at: number, fate: 'dies-before' | 'dies-after' | 'lost' | 'lost-after') => {
      const queue = new FakeQueue();
      queue.put(starting('note', { n: 1 }), starting('note', { n: 2 }));
      let steps = 0;
      await queue.hold(fakeHost(noteMachine), { takes: [1], fate: () => (steps++ === at ? fate : 'done') });
      while (queue.active.size > 0) await queue.hold(fakeHost(noteMachine));
      return { queue, steps };
    };
    const { steps } = await live(-1, 'lost');
    expect(steps).toBeGreaterThan(5);
    for (let at = 0; at < steps; at++) {
      for (const fate of ['dies-before', 'dies-after', 'lost', 'lost-after'] as const) {
        const { queue } = await live(at, fate);
        expect([fate, at, notesOf(queue), emitted(queue)]).toEqual([fate, at, [1, 2], [1, 2]]);
        expect([...queue.settled.values()].map(({ kind }) => kind)).toEqual(['complete', 'complete']);
      }
    }
  });
});
