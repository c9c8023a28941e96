import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import type { Json } from '../../../../../src/contract/json.ts';
import { type InboundMessage, PROPERTY } from '../../../../../src/contract/wire.ts';
import { scatter } from '../../../../../src/machines/scatter.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import { FakeQueue } from '../../../../kit/fake-queue.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { noteMachine } from '../../../../kit/note-machine.ts';
import { asker, event, note, start, stateOf } from '../../../../kit/notes.ts';

const NOW = 1_000_000;
const LEASE_MS = 60_000;

const watchAs = (client: string, leaseMs: number): InboundMessage =>
  inbound('watch', { kind: 'watch', asker: { ...asker, sessionId: client }, leaseMs });
const watch = (): InboundMessage => watchAs('client', LEASE_MS);

/** Messages are numbered as they are made. */
async function started(...make: readonly (() => InboundMessage)[]): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start());
  queue.put(...make.map((each) => each()));
  await queue.hold(fakeHost(noteMachine));
  return queue;
}

const told = (queue: FakeQueue): Record<string, Json>[] =>
  queue.sent.filter(({ subject }) => subject === 'answer').map(({ body }) => body as Record<string, Json>);

describe('a watcher', () => {
  it('is told where the actor is, then every batch with its events in order, then the end', async () => {
    const queue = await started(watch);
    expect(told(queue)).toMatchObject([
      { answer: 'transitions', status: 'active', value: 'open', steps: [] },
    ]);
    queue.put(note(1), note(2));
    await queue.hold(fakeHost(noteMachine));
    queue.put(event('finish'));
    await queue.hold(fakeHost(noteMachine));
    expect(told(queue).slice(1)).toMatchObject([
      { steps: [{ event: { type: 'note', n: 1 } }, { event: { type: 'note', n: 2 } }], turn: 3 },
      { steps: [{ event: { type: 'finish' }, value: 'closed' }], status: 'done', output: { notes: [1, 2] } },
    ]);
    expect(stateOf(queue).watchers).toEqual([]);
  });

  it('of nobody makes no state; of an ended actor learns its end and is not kept', async () => {
    const queue = new FakeQueue();
    queue.put(watch());
    await queue.hold(fakeHost(noteMachine));
    expect(queue.state).toBeNull();
    expect(told(queue)).toMatchObject([{ answer: 'error', error: { code: 'ACTOR_NOT_FOUND' } }]);
    const ended = await started(() => event('finish'), watch);
    expect(told(ended)).toMatchObject([{ answer: 'transitions', status: 'done' }]);
    expect(stateOf(ended).watchers).toBeUndefined();
  });

  it('is forgotten when its lease is over or it says so, and is one however often it renews', async () => {
    const queue = await started(watch, watch, watch);
    expect(stateOf(queue).watchers).toHaveLength(1);
    queue.put(watchAs('client', 0));
    await queue.hold(fakeHost(noteMachine));
    expect(stateOf(queue).watchers).toEqual([]);
    queue.put(watch());
    await queue.hold(fakeHost(noteMachine));
    const before = told(queue).length;
    queue.put(note(1));
    await queue.hold(fakeHost(noteMachine, { clock: { now: () => NOW + LEASE_MS } }));
    expect(told(queue)).toHaveLength(before);
    expect(stateOf(queue).watchers).toEqual([]);
  });

  it('is refused when sixteen others watch already', async () => {
    const many = Array.from({ length: 17 }, (_, at) => () => watchAs(`client-${at}`, LEASE_MS));
    const queue = await started(...many);
    expect(stateOf(queue).watchers).toHaveLength(16);
    expect(told(queue).at(-1)).toMatchObject({ answer: 'error', error: { code: 'QUOTA_EXCEEDED' } });
  });

  it('is told every step once, whichever step of the commit protocol a crash or a lost lock comes at', async () => {
    const fates = ['dies-before', 'dies-after', 'lost', 'lost-after'] as const;
    for (const fate of fates) {
      for (let at = 0, reached = true; reached; at++) {
        const queue = await started(watch);
        queue.put(note(1), note(2), note(3));
        let steps = 0;
        await queue.hold(fakeHost(noteMachine), {
          takes: [2, 1],
          fate: () => (steps++ === at ? fate : 'done'),
        });
        reached = steps > at;
        for (let holds = 0; holds < 5; holds++) await queue.hold(fakeHost(noteMachine));
        const events = told(queue).flatMap(({ steps: all }) => all as { event: { n: number } }[]);
        expect(
          events.map(({ event: { n } }) => n),
          `${fate} at step ${at}`,
        ).toEqual([1, 2, 3]);
      }
    }
  });

  it('that wants only the end is told the life and the end, and takes no place of others', async () => {
    const endsAs = (client: string) => (): InboundMessage => {
      const asked = watchAs(client, LEASE_MS);
      return { ...asked, properties: { ...asked.properties, [PROPERTY.ends]: true } };
    };
    const readers = Array.from({ length: 16 }, (_, at) => endsAs(`reader-${at}`));
    const queue = await started(...readers, endsAs('reader-0'), endsAs('one more'), watch);
    const life = { kind: 'answer', answer: 'life', status: 'active', incarnation: expect.any(String) };
    expect(told(queue).slice(0, 17)).toEqual(Array.from({ length: 17 }, () => life));
    expect(told(queue)[17]).toMatchObject({ answer: 'error', error: { code: 'QUOTA_EXCEEDED' } });
    expect(stateOf(queue).watchers).toHaveLength(17);
    const before = told(queue).length;
    queue.put(note(1));
    await queue.hold(fakeHost(noteMachine));
    expect(told(queue).slice(before)).toMatchObject([{ answer: 'transitions' }]);
    queue.put(event('finish'));
    await queue.hold(fakeHost(noteMachine));
    const ends = told(queue).slice(before + 1);
    expect(ends.filter(({ answer }) => answer === 'life')).toEqual(
      Array.from({ length: 16 }, () => ({ ...life, status: 'done' })),
    );
    expect(ends).toHaveLength(17);
  });

  it('of large events gets their types', async () => {
    const queue = await started(watch);
    queue.put(...Array.from({ length: 3 }, () => event('note', { n: 1, pad: 'x'.repeat(90_000) })));
    await queue.hold(fakeHost(noteMachine));
    const body = told(queue).at(-1) as { steps: { event: object }[] };
    expect(body.steps.map((step) => step.event)).toEqual([
      { type: 'note' },
      { type: 'note' },
      { type: 'note' },
    ]);
  });
});

describe('the progress of a gather', () => {
  const machine = setup({ actors: { fan: scatter() } }).createMachine({
    initial: 'asking',
    states: {
      asking: {
        invoke: {
          id: 'fan',
          src: 'fan',
          input: { agents: ['a', 'b'], items: [1, 2, 3, 4, 5], policy: {}, collect: 'counts' },
          onDone: 'end',
        },
      },
      end: {},
    },
  });
  const registry = {
    agents: { a: { deadlineMs: 60_000 }, b: { deadlineMs: 60_000 } },
    machines: { m: true as const },
  };
  const host = (now = NOW) => fakeHost(machine, { registry, clock: { now: () => now } });
  const reply = (branch: number, outcome: Json = { status: 'done', output: null }): InboundMessage =>
    inbound('reply', { kind: 'reply', execution: '1.0', branch, outcome });
  const failed = { status: 'error', error: { code: 'BAD', message: 'bad' } };

  it('is told with each batch of answers to who asked for it, and costs the machine no step', async () => {
    const queue = new FakeQueue();
    const curious = watchAs('curious', LEASE_MS);
    queue.put(start(), watch(), {
      ...curious,
      properties: { ...curious.properties, [PROPERTY.progress]: true },
    });
    await queue.hold(host());
    queue.put(reply(0), reply(1, failed), reply(0), reply(3));
    await queue.hold(host(NOW + 500));
    const ofWatches = queue.sent.filter(({ body }) => (body as { answer?: string }).answer === 'transitions');
    const [plain, ...none] = ofWatches.filter(({ sessionId }) => sessionId === 'client');
    expect(none).toEqual([]);
    expect(plain?.body).not.toHaveProperty('gathers');
    const [first, second, ...more] = ofWatches.filter(({ sessionId }) => sessionId === 'curious');
    expect(first?.body).toMatchObject({
      steps: [],
      gathers: [{ childId: 'fan', total: 10, answered: 0, open: 10 }],
    });
    expect(more).toEqual([]);
    expect(second?.body).toMatchObject({
      value: 'asking',
      steps: [],
      gathers: [
        {
          childId: 'fan',
          total: 10,
          answered: 3,
          good: 2,
          ok: 2,
          failed: 1,
          invalid: 0,
          open: 7,
          duplicates: 1,
          slowest: { branch: 2, agent: 'a', ms: 500 },
        },
      ],
    });
    queue.put(inbound('query', { kind: 'query', asker }));
    await queue.hold(host(NOW + 700));
    expect(told(queue).at(-1)).toMatchObject({
      snapshot: { gathers: [{ answered: 3, slowest: { branch: 2, ms: 700 } }] },
    });
  });

  it('names the last branch, also behind whole bytes of answers', async () => {
    const queue = new FakeQueue();
    queue.put(start(), ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map((branch) => reply(branch)));
    queue.put(inbound('query', { kind: 'query', asker }));
    await queue.hold(host());
    expect(told(queue).at(-1)).toMatchObject({
      snapshot: { gathers: [{ answered: 9, open: 1, slowest: { branch: 9, agent: 'b' } }] },
    });
  });
});
