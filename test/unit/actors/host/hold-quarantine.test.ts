// An actor that cannot go on stands still; released, it goes on as if nothing had been: whatever crashes in between.
import { describe, expect, it } from 'vitest';
import { assign, createMachine, setup } from 'xstate';
import type { ActorHost } from '../../../../src/actors/host/host.ts';
import type { Migration } from '../../../../src/contract/config.ts';
import type { InboundMessage } from '../../../../src/contract/wire.ts';
import { type FakeHost, fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue, type Fate } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { asker, emitted, event, note, notesOf, query, reply, start, stateOf } from '../../../kit/notes.ts';

/** A later version, without the state that the actor is in. */
const shrunk = setup({}).createMachine({
  id: 'notes',
  context: { notes: [], pad: '' },
  initial: 'open',
  states: { open: { on: { note: { actions: assign({ pad: 'other' }) } } } },
});
const ref = (version: string): ActorHost['machine'] => ({
  type: 'm',
  module: 'none',
  export: 'none',
  version,
  path: [],
});
const broken = (): FakeHost => fakeHost(shrunk, { machine: ref('2') });
const mended = (): FakeHost => fakeHost(noteMachine, { machine: ref('2') });
const release = (): InboundMessage => inbound('release', { kind: 'release', asker });
const purge = (): InboundMessage => inbound('purge', { kind: 'purge', asker });
const answers = (queue: FakeQueue): string[] =>
  queue.sent
    .filter(({ subject }) => subject === 'answer')
    .map(({ body }) => (body as { answer: string }).answer);

/** In state 'asking', which only the first version has. */
async function asking(): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start(), event('ask'));
  await queue.hold(fakeHost(noteMachine));
  return queue;
}

async function standingStill(): Promise<FakeQueue> {
  const queue = await asking();
  queue.put(note(1), note(2));
  await queue.hold(broken());
  return queue;
}

describe('a state that its machine does not have any more', () => {
  it('quarantines the actor: its messages wait in order, a query says why, nothing is dead-lettered', async () => {
    const queue = await standingStill();
    queue.put(note(3), query());
    const host = broken();
    await queue.hold(host);
    expect([...queue.settled.values()].filter(({ kind }) => kind === 'deadLetter')).toEqual([]);
    expect(queue.deferred.size).toBe(3);
    expect(stateOf(queue)).toMatchObject({
      version: '1',
      quarantine: {
        code: 'STATE_INCOMPATIBLE',
        since: 1_000_000,
        parked: [...queue.deferred.keys()].sort((a, b) => a - b),
      },
    });
    expect(queue.sent.at(-1)?.body).toMatchObject({
      snapshot: {
        status: 'active',
        version: '1',
        quarantine: { code: 'STATE_INCOMPATIBLE', held: 3, message: expect.stringContaining("'asking'") },
      },
    });
    // It stands still: no turn is tried.
    expect(host.requests).toEqual([]);
  });

  it('is released once it is mended: what waited comes first, then what is new', async () => {
    const queue = await standingStill();
    queue.put(release(), event('finish'));
    await queue.hold(broken());
    expect(answers(queue)).toEqual(['error']);
    expect(queue.deferred.size).toBe(3);
    queue.put(release(), note(3));
    await queue.hold(mended());
    expect(answers(queue)).toEqual(['error', 'released']);
    expect(queue.deferred.size).toBe(0);
    expect(stateOf(queue)).toMatchObject({ core: { status: 'done' }, version: '2' });
    expect(stateOf(queue).quarantine).toBeUndefined();
  });

  it('and whose quarantine is released loses and doubles nothing, wherever it crashes', async () => {
    const fates = ['dies-before', 'dies-after', 'lost', 'lost-after'] as const;
    for (const fate of fates) {
      for (let at = 0, reached = true; reached; at++) {
        const queue = await asking();
        let steps = 0;
        const hold = async (host: FakeHost): Promise<void> => {
          await queue.hold(host, { fate: () => (steps++ === at ? fate : 'done') });
        };
        const open = [event('finish2'), note(1), note(2)];
        queue.put(...open);
        for (let holds = 0; holds < 3; holds++) await hold(broken());
        queue.put(release(), note(3));
        for (let holds = 0; holds < 5; holds++) await hold(backToOpen());
        reached = steps > at;
        expect(notesOf(queue), `${fate} at step ${at}`).toEqual([1, 2, 3]);
        expect(emitted(queue), `${fate} at step ${at}`).toEqual([1, 2, 3]);
        expect(queue.deferred.size, `${fate} at step ${at}`).toBe(0);
        expect(stateOf(queue).quarantine).toBeUndefined();
      }
    }
  });
});

/** The next version takes notes again; actors of the old one are moved there. */
const backToOpen = (): FakeHost =>
  fakeHost(noteMachine, {
    machine: ref('3'),
    migrate: 'move',
    move: (snapshot) => ({ snapshot: { ...(snapshot as object), value: 'open' }, dropped: ['a'] }),
  });

/** The next version calls the state, and what it invokes, otherwise. */
const renamed = (more: Omit<Migration, 'snapshot'>): FakeHost => {
  const { asking: before, open, ...rest } = noteMachine.config.states ?? {};
  const states = { ...rest, open: { ...open, on: { ...(open?.on as object), ask: 'waiting' } } };
  const waits = { ...before, invoke: { ...(before?.invoke as object), id: 'b' } };
  const machine = createMachine({
    ...noteMachine.config,
    states: { ...states, waiting: waits },
  } as never).provide(noteMachine.implementations as never);
  return fakeHost(machine as never, {
    machine: ref('3'),
    migrate: 'move',
    move: (snapshot) => ({ snapshot: { ...(snapshot as object), value: 'waiting' }, ...more }),
  });
};

describe('another version', () => {
  it('takes an actor over by its migrate, once its outbox is out', async () => {
    const queue = await asking();
    queue.put(note(1));
    const host = backToOpen();
    await queue.hold(host);
    expect(host.requests.map(({ kind }) => kind)).toEqual(['migrate', 'turn']);
    expect(notesOf(queue)).toEqual([1]);
    expect(stateOf(queue).version).toBe('3');
  });

  it('that has renamed the state takes the answer that comes after the migration', async () => {
    const queue = await asking();
    queue.put(event('ignored'));
    await queue.hold(renamed({}));
    expect(stateOf(queue).quarantine).toMatchObject({
      code: 'STATE_INCOMPATIBLE',
      message: expect.stringContaining("'a', running as 'a'"),
    });
    queue.put(release(), reply('2.0'), note(2));
    await queue.hold(renamed({ renamed: { a: 'b' } }));
    expect(notesOf(queue)).toEqual(['end', 2]);
    expect(stateOf(queue)).toMatchObject({ version: '3' });
    expect(stateOf(queue).quarantine).toBeUndefined();
  });

  it('whose migrate throws quarantines, and is asked again at the release', async () => {
    const queue = await asking();
    queue.put(note(1));
    const failing = fakeHost(noteMachine, {
      machine: ref('3'),
      migrate: 'move',
      move: () => {
        throw new Error('not yet');
      },
    });
    await queue.hold(failing);
    expect(stateOf(queue)).toMatchObject({ version: '1', quarantine: { code: 'MIGRATION_FAILED' } });
    queue.put(release());
    await queue.hold(backToOpen());
    expect(notesOf(queue)).toEqual([1]);
    expect(stateOf(queue).version).toBe('3');
  });

  it('leaves an actor on its own where that is registered, and starts new ones anew', async () => {
    const queue = await asking();
    queue.put(
      event('note', { n: 1 }),
      inbound('reply', { kind: 'reply', execution: '2.0', outcome: { status: 'done', output: 'end' } }),
      note(2),
    );
    const both = fakeHost(shrunk, {
      machine: ref('2'),
      versions: { '1': noteMachine },
      older: new Map([['1', { machine: ref('1'), definition: null }]]),
    });
    await queue.hold(both);
    expect(notesOf(queue)).toEqual(['end', 2]);
    expect(stateOf(queue).version).toBe('1');
    const other = new FakeQueue();
    other.put(start());
    await other.hold(both);
    expect(stateOf(other).version).toBe('2');
  });
});

describe('a quarantined actor', () => {
  it('can be stopped: whoever waits is told, and what was held is done with', async () => {
    const queue = await asking();
    queue.put(inbound('await', { kind: 'await', asker }), note(1));
    await queue.hold(broken());
    queue.put(inbound('stop', { kind: 'stop' }));
    await queue.hold(broken());
    expect(stateOf(queue)).toMatchObject({ core: { status: 'stopped' } });
    expect(stateOf(queue).quarantine).toBeUndefined();
    expect([queue.active.size, queue.deferred.size]).toEqual([0, 0]);
  });

  it('is purged, or stopped, by the next holder when the first one lost it on the way', async () => {
    for (const ask of [purge, () => inbound('stop', { kind: 'stop' })])
      for (let at = 0; at < 8; at++) {
        const queue = await standingStill();
        queue.put(ask());
        const fate = (_: unknown, step: number): Fate => (step === at ? 'lost-after' : 'done');
        await queue.hold(broken(), { fate });
        await queue.hold(broken());
        expect(queue.active.size).toBe(0);
        expect(queue.state === null ? 'stopped' : stateOf(queue).core?.status).toBe('stopped');
        if (ask === purge) expect(queue.state).toBeNull();
      }
  });

  it('can be purged: nothing of it is left, and its id is free', async () => {
    const queue = await standingStill();
    queue.put(purge());
    await queue.hold(broken());
    expect(answers(queue)).toEqual(['purged']);
    expect([queue.state, queue.deferred.size]).toEqual([null, 0]);
    queue.put(purge(), release());
    await queue.hold(broken());
    expect(answers(queue)).toEqual(['purged', 'error', 'error']);
    queue.put(start());
    await queue.hold(broken());
    expect(stateOf(queue)).toMatchObject({ core: { status: 'active' } });
  });

  it('may be one whose message is poison, where its machine says so', async () => {
    const queue = new FakeQueue();
    queue.put(start());
    await queue.hold(fakeHost(noteMachine));
    queue.put(event('pad', { bytes: 1 }), note(2));
    const dying = fakeHost(noteMachine, {
      onPoison: 'quarantine',
      instead: ({ inputs }) =>
        inputs.some((input) => input.kind === 'event' && input.event.type === 'pad')
          ? { kind: 'failed', error: { code: 'WORKER_DIED', message: 'out of memory' } }
          : undefined,
    });
    await queue.hold(dying);
    expect([...queue.settled.values()]).toContainEqual(expect.objectContaining({ reason: 'TURN_POISONED' }));
    expect(stateOf(queue)).toMatchObject({ quarantine: { code: 'WORKER_DIED' } });
    expect(notesOf(queue)).toEqual([]);
    queue.put(release());
    await queue.hold(dying);
    expect(notesOf(queue)).toEqual([2]);
  });
});
