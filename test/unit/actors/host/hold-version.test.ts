// An actor moves to another version of its machine while things run: whatever crashes in between, nothing of them is lost or done twice.
import { describe, expect, it } from 'vitest';
import { assign, createMachine, emit } from 'xstate';
import { executionMark } from '../../../../src/actors/protocol/lineage.ts';
import type { Migration } from '../../../../src/contract/config.ts';
import { QuorateError } from '../../../../src/contract/errors.ts';
import type { Json } from '../../../../src/contract/json.ts';
import { MAX_CLAIM_BYTES } from '../../../../src/contract/sizes.ts';
import { type FakeHostOptions, fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue, type Fate } from '../../../kit/fake-queue.ts';
import { inbound } from '../../../kit/inbound.ts';
import { memoryCancellations, memoryPayloads, memoryStorage } from '../../../kit/memory-storage.ts';
import { note, notesOf, query, reply, start, stateOf } from '../../../kit/notes.ts';

/** Waits in a state of that name for a child and a timer; takes notes meanwhile. */
function waiting(
  state: string,
  version: string,
  more: FakeHostOptions & { readonly says?: Omit<Migration, 'snapshot'>; readonly pad?: string } = {},
) {
  const machine = createMachine({
    id: 'waits',
    context: { notes: [] as unknown[], pad: more.pad ?? '' },
    initial: state,
    states: {
      [state]: { invoke: { src: 'peer', id: 'kid' }, after: { 1000: 'end' } },
      end: { entry: assign({ notes: ({ context }) => [...context.notes, 'end'] }) },
    },
    on: {
      note: {
        actions: [
          assign({ notes: ({ context, event }) => [...context.notes, (event as { n?: number }).n] }),
          emit(({ event }) => ({ type: 'noted', n: (event as { n?: number }).n })),
        ],
      },
    },
  } as never);
  const { says, pad: _, ...rest } = more;
  return fakeHost(machine as never, {
    machine: { type: 'm', module: 'none', export: 'none', version, path: [] },
    ...(says === undefined
      ? {}
      : {
          migrate: 'move',
          move: (snapshot) => ({ snapshot: { ...(snapshot as object), value: state }, ...says }),
        }),
    ...rest,
  });
}

async function started(): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(waiting('old', '1'));
  expect(queue.scheduled.size).toBe(1);
  return queue;
}

const timer = (queue: FakeQueue) => {
  const due = [...queue.scheduled.values()].map(({ body }) => inbound('timer', body));
  queue.scheduled.clear();
  return due;
};
const stops = ({ sent }: FakeQueue) =>
  sent.filter(({ entity, subject }) => entity === 'actor.peer' && subject === 'stop');
const dropping = (more: FakeHostOptions = {}) =>
  waiting('new', '2', { says: { dropped: ['kid', 'old'] }, ...more });

describe('a migration that lets go of what runs', () => {
  it('tells the child and takes the timer back, whichever step its process dies at or loses its lock', async () => {
    for (const fate of ['dies-before', 'dies-after', 'lost', 'lost-after'] as const satisfies Fate[]) {
      let reached = true;
      for (let at = 0; reached; at++) {
        const queue = await started();
        queue.put(note(1));
        let steps = 0;
        await queue.hold(dropping(), {
          fate: () => (steps++ === at ? fate : 'done'),
        });
        queue.put(note(2));
        for (let holds = 0; holds < 3; holds++) await queue.hold(dropping());
        const where = `${fate} at step ${at}`;
        reached = steps > at;
        expect(stops(queue), where).toHaveLength(1);
        expect(queue.scheduled.size, where).toBe(0);
        expect(notesOf(queue), where).toEqual([1, 2]);
        expect(stateOf(queue), where).toMatchObject({
          version: '2',
          core: { executions: {}, timers: {} },
        });
        expect(queue.active.size, where).toBe(0);
      }
    }
  });

  it.each([
    ['kid', '1.0', []],
    ['work', '1.1', [{ kind: 'cancel', entity: 'actor.m', execution: '1.1' }]],
  ])(
    'marks %s as not to be begun any more, before anything of it leaves',
    async (dropped, execution, last) => {
      const versioned = (version: string, state: string, more: FakeHostOptions) =>
        fakeHost(
          createMachine({
            id: 'works',
            initial: state,
            context: { notes: [] as unknown[] },
            states: {
              old: {
                invoke: [
                  { src: 'peer', id: 'kid' },
                  { src: 'a', id: 'work' },
                ],
              },
              without: { invoke: dropped === 'kid' ? { src: 'a', id: 'work' } : { src: 'peer', id: 'kid' } },
            },
          } as never) as never,
          { machine: { type: 'm', module: 'none', export: 'none', version, path: [] }, ...more },
        );
      const queue = new FakeQueue();
      queue.put(start());
      await queue.hold(versioned('1', 'old', {}));
      const { incarnation = '' } = stateOf(queue).core ?? {};
      const cancellations = memoryCancellations();
      const newer = versioned('2', 'without', {
        cancellations,
        migrate: 'move',
        move: (snapshot) => ({ snapshot: { ...(snapshot as object), value: 'without' }, dropped: [dropped] }),
      });
      queue.put(note(1));
      await queue.hold(newer, {
        fate: (step) => (step.kind === 'commit' && stateOf(queue).version === '2' ? 'dies-before' : 'done'),
      });
      const mark = (of: string) => executionMark('m/1', incarnation, of);
      const { version, outbox } = stateOf(queue);
      expect(version).toBe('2');
      expect(outbox[0]).toMatchObject({ kind: 'close', marks: [mark(execution)] });
      expect(outbox.filter(({ kind }) => kind === 'cancel')).toEqual(last);
      expect(await cancellations.isCancelledNow([mark(execution)])).toBe(true);
      expect(await cancellations.isCancelledNow([mark(execution === '1.0' ? '1.1' : '1.0')])).toBe(false);
    },
  );

  it.each([
    ['is larger than is kept', MAX_CLAIM_BYTES, 256 * 1024],
    ['is not taken by the broker', 20_000, 8_000],
  ])('is a quarantine when its state %s, not a try without end', async (_name, bytes, limit) => {
    const queue = await started();
    queue.put(note(1));
    queue.limit = limit;
    const move = (snapshot: Json) => ({ ...(snapshot as object), context: { notes: ['x'.repeat(bytes)] } });
    await queue.hold(waiting('old', '2', { migrate: 'move', move }));
    expect(stateOf(queue)).toMatchObject({ version: '1', quarantine: { code: 'STATE_TOO_LARGE' } });
    expect(queue.active.size).toBe(0);
  });

  it('keeps what its target refuses, and stands still until it is taken', async () => {
    const queue = await started();
    queue.put(note(1));
    const refused = new QuorateError('TOPOLOGY_MISMATCH', 'sending to actor.peer failed: no');
    await queue.hold(dropping(), {
      fate: (step) =>
        step.kind === 'publish' && step.messages.some(({ entity }) => entity === 'actor.peer')
          ? refused
          : 'done',
    });
    expect(stateOf(queue)).toMatchObject({
      version: '2',
      quarantine: { code: 'TOPOLOGY_MISMATCH', undelivered: { tries: 1 } },
      outbox: [{ kind: 'message', message: { entity: 'actor.peer', subject: 'stop' } }],
    });
    const wakes = timer(queue).filter(({ body }) => JSON.stringify(body).includes('deliver#'));
    expect(wakes).toHaveLength(1);
    queue.put(...wakes);
    await queue.hold(dropping());
    expect(stops(queue)).toHaveLength(1);
    expect(notesOf(queue)).toEqual([1]);
    expect(stateOf(queue).quarantine).toBeUndefined();
  });

  it('is published by the next holder, who finds no message that tells of it', async () => {
    const queue = await started();
    queue.put(note(1));
    let commits = 0;
    await queue.hold(dropping(), {
      fate: (step) => (step.kind === 'commit' && commits++ === 0 ? 'dies-after' : 'done'),
    });
    expect(stateOf(queue)).toMatchObject({ version: '2', movedAt: stateOf(queue).core?.turn });
    expect(stops(queue)).toEqual([]);
    await queue.hold(dropping());
    expect(stops(queue)).toHaveLength(1);
  });
});

it('a claimed state is whole before its migration and is claimed again after it, whichever step its process dies at', async () => {
  const LARGE = 400_000;
  for (const fate of ['dies-before', 'dies-after', 'lost', 'lost-after'] as const satisfies Fate[]) {
    let reached = true;
    for (let at = 0; reached; at++) {
      const where = `${fate} at step ${at}`;
      const storage = memoryStorage();
      const payloads = memoryPayloads(storage);
      const seen = new Set<string>();
      const move = (given: Json): Json => {
        const snapshot = given as { context: { pad: string } };
        seen.add(snapshot.context.pad.replace(/x+$/, 'x'));
        return { ...snapshot, value: 'new', context: { ...snapshot.context, pad: 'y'.repeat(LARGE) } };
      };
      const newer = () =>
        waiting('new', '2', {
          payloads,
          migrate: 'move',
          move: (given) => ({ snapshot: move(given), renamed: { old: 'new' } }),
        });
      const there = async (): Promise<unknown> => {
        const { core, claim } = stateOf(queue);
        const opened =
          claim === undefined ? { core } : ((await payloads.get(claim)) as unknown as { core: typeof core });
        return (opened.core?.snapshot as { context?: unknown } | undefined)?.context;
      };
      const queue = new FakeQueue();
      queue.limit = 256 * 1024;
      queue.put(start());
      await queue.hold(waiting('old', '1', { payloads, pad: 'x'.repeat(LARGE) }));
      expect(stateOf(queue).claim).toBeDefined();
      queue.put(note(1));
      let steps = 0;
      await queue.hold(newer(), { fate: () => (steps++ === at ? fate : 'done') });
      reached = steps > at;
      // Whatever the session says now, what it refers to is there.
      expect(await there(), where).toMatchObject({ pad: expect.stringMatching(/^(?:x+|y+)$/) });
      queue.put(note(2));
      for (let holds = 0; holds < 3; holds++) await queue.hold(newer());
      expect([...seen], where).toEqual(['x']);
      expect(await there(), where).toEqual({ notes: [1, 2], pad: 'y'.repeat(LARGE) });
      expect(stateOf(queue), where).toMatchObject({ version: '2', core: null });
      expect(queue.active.size, where).toBe(0);
      expect(queue.scheduled.size, where).toBe(1);
    }
  }
});

it('a timer of a renamed state that is carried over rings in the new one, once', async () => {
  const queue = await started();
  queue.put(note(1));
  await queue.hold(waiting('new', '2', { says: { renamed: { old: 'new' } } }));
  expect(stops(queue)).toEqual([]);
  const [ring] = timer(queue);
  if (ring === undefined) throw new Error('the timer was taken back');
  queue.put(ring, { ...ring, sequenceNumber: ring.sequenceNumber + 1_000 });
  await queue.hold(waiting('new', '2', { says: { renamed: { old: 'new' } } }));
  expect(notesOf(queue)).toEqual([1, 'end']);
});

describe('a new version without a migration', () => {
  it('takes over what it has as well, with no commit of its own', async () => {
    const queue = await started();
    const before = queue.commits().length;
    queue.put(query());
    await queue.hold(waiting('old', '2'));
    expect(queue.commits()).toHaveLength(before);
    queue.put(...timer(queue), reply('1.0'));
    await queue.hold(waiting('old', '2'));
    expect(notesOf(queue)).toEqual(['end']);
    expect(stateOf(queue).version).toBe('2');
  });

  it('quarantines the actor whose child and timer it would lose, and names them; the old one goes on', async () => {
    const queue = await started();
    const bare = fakeHost(
      createMachine({
        id: 'waits',
        context: { notes: [] },
        initial: 'old',
        states: { old: {}, end: {} },
      }) as never,
      { machine: { type: 'm', module: 'none', export: 'none', version: '2', path: [] } },
    );
    queue.put(...timer(queue), note(1));
    await queue.hold(bare);
    expect(stateOf(queue)).toMatchObject({
      version: '1',
      quarantine: {
        code: 'STATE_INCOMPATIBLE',
        message: expect.stringMatching(
          /would lose 'peer', running as 'kid' and timer 'xstate\.after\.1000\.waits\.old'/,
        ),
      },
    });
    expect(queue.deferred.size).toBe(2);
    queue.put(
      inbound('release', {
        kind: 'release',
        asker: { entity: 'replies', sessionId: 'c', correlationId: 'c' },
      }),
    );
    await queue.hold(waiting('old', '2'));
    expect(notesOf(queue)).toEqual(['end', 1]);
    expect(stateOf(queue).quarantine).toBeUndefined();
  });
});
