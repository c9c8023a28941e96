import { describe, expect, it } from 'vitest';
import type { SessionState } from '../../../../src/actors/host/state/session-state.ts';
import { QuorateError } from '../../../../src/contract/errors.ts';
import { PROPERTY } from '../../../../src/contract/wire.ts';
import { fakeHost } from '../../../kit/fake-host.ts';
import { FakeQueue, type Step } from '../../../kit/fake-queue.ts';
import { noteMachine } from '../../../kit/note-machine.ts';
import { emitted, event, note, notesOf, query, start, stateOf } from '../../../kit/notes.ts';

const host = () => fakeHost(noteMachine);

async function started(): Promise<FakeQueue> {
  const queue = new FakeQueue();
  queue.put(start());
  await queue.hold(host());
  queue.steps.length = 0;
  return queue;
}

describe('one held session', () => {
  it('commits, then publishes, then settles, the first message last (I2, I5)', async () => {
    const queue = await started();
    const [one, two, three] = [note(1), note(2), note(3)];
    queue.put(one, two, three);
    await queue.hold(host());
    expect(queue.log()).toEqual([
      'commit',
      'publish',
      ...[three, two, one].map((message) => `complete ${message.sequenceNumber}`),
    ]);
    expect(notesOf(queue)).toEqual([1, 2, 3]);
    expect(emitted(queue)).toEqual([1, 2, 3]);
  });

  it('folds what waits into one turn request, one commit and one send (I12)', async () => {
    const queue = await started();
    queue.put(...Array.from({ length: 200 }, (_, n) => note(n)));
    const one = host();
    await queue.hold(one);
    expect(one.requests).toHaveLength(1);
    expect(queue.commits()).toHaveLength(1);
    expect(queue.steps.filter(({ kind }) => kind === 'publish')).toHaveLength(1);
    expect(notesOf(queue)).toHaveLength(200);
  });

  it('does nothing more after a commit that was lost: no send, no settlement (I1)', async () => {
    for (const fate of ['lost', 'lost-after'] as const) {
      const queue = await started();
      queue.put(note(1), note(2));
      await queue.hold(host(), { takes: [1], fate: ({ kind }) => (kind === 'commit' ? fate : 'done') });
      expect(queue.log().filter((step) => step !== 'commit')).toEqual([]);
      // The next holder reads what was written and goes on from there.
      await queue.hold(host());
      expect(notesOf(queue)).toEqual([1, 2]);
      expect(emitted(queue)).toEqual([1, 2]);
      expect(queue.active.size).toBe(0);
    }
  });

  it('draws new ids for a turn that is run again after a lost commit: it may have become another (I3)', async () => {
    const queue = await started();
    queue.put(note(1));
    const ids: string[] = [];
    const before = (step: Step) => {
      if (step.kind !== 'commit') return;
      const [entry] = (step.state as unknown as SessionState).outbox;
      if (entry?.kind === 'message') ids.push(entry.message.messageId);
    };
    await queue.hold(host(), { before, fate: ({ kind }) => (kind === 'commit' ? 'lost' : 'done') });
    await queue.hold(host(), { before });
    expect(ids).toHaveLength(2);
    expect(ids[1]).not.toBe(ids[0]);
  });

  it('takes nothing more once a settlement says that the lock is lost (I1)', async () => {
    const queue = await started();
    const first = note(1);
    queue.put(first, note(2), note(3));
    await queue.hold(host(), {
      takes: [1, 1, 1],
      fate: (step) => (step.kind === 'settle' && step.number === first.sequenceNumber ? 'lost' : 'done'),
    });
    expect(queue.commits().length).toBeLessThan(3);
    await queue.hold(host());
    expect(notesOf(queue)).toEqual([1, 2, 3]);
    expect(emitted(queue)).toEqual([1, 2, 3]);
  });

  it('gives a redelivered message the disposition that was committed with its turn (I4, I5)', async () => {
    const queue = await started();
    const [good, bad] = [note(1), event('throw')];
    queue.put(good, bad);
    await queue.hold(host(), { fate: ({ kind }) => (kind === 'settle' ? 'dies-before' : 'done') });
    const next = host();
    await queue.hold(next);
    expect(next.requests).toEqual([]);
    expect(queue.settled.get(good.sequenceNumber)).toEqual({ kind: 'complete' });
    expect(queue.settled.get(bad.sequenceNumber)).toMatchObject({
      kind: 'deadLetter',
      reason: 'MACHINE_THREW',
    });
  });

  it('lets the session go when a send is not accepted; the next holder sends the same messages under the same ids (I2, I3)', async () => {
    const queue = await started();
    queue.put(note(1));
    const refusal = new QuorateError('CONNECTION_FAILED', 'no answer');
    const attempts: string[][] = [];
    const before = (step: { kind: string; messages?: readonly { messageId: string }[] }) => {
      if (step.kind === 'publish') attempts.push((step.messages ?? []).map(({ messageId }) => messageId));
    };
    await queue.hold(host(), { fate: ({ kind }) => (kind === 'publish' ? refusal : 'done'), before });
    expect(queue.settled.size).toBe(1);
    await queue.hold(host(), { before });
    expect(attempts).toHaveLength(2);
    expect(attempts[1]).toEqual(attempts[0]);
    expect(emitted(queue)).toEqual([1]);
    expect(queue.active.size).toBe(0);
  });

  it('runs a custom action again with the outbox that is sent again', async () => {
    const queue = await started();
    queue.put(event('ring'));
    const dead = host();
    await queue.hold(dead, { fate: ({ kind }) => (kind === 'settle' ? 'dies-before' : 'done') });
    const next = host();
    await queue.hold(next);
    expect([...dead.requests, ...next.requests].filter(({ kind }) => kind === 'action')).toHaveLength(2);
    expect(next.requests.filter(({ kind }) => kind === 'turn')).toEqual([]);
  });
});

describe('a new holder', () => {
  it('sends the outbox again when an input of it comes again, even if others come first (I2)', async () => {
    const queue = await started();
    // A query is never recorded, so nothing says of it that it was there before.
    queue.put(query({ properties: { [PROPERTY.patience]: 1 } }), note(1));
    await queue.hold(host(), { fate: ({ kind }) => (kind === 'publish' ? 'dies-before' : 'done') });
    expect(emitted(queue)).toEqual([]);
    await queue.hold(host(), { takes: [1, 1] });
    expect(emitted(queue)).toEqual([1]);
  });

  it('does not send it again when all its inputs are settled: they were settled after it had left (I5)', async () => {
    const queue = await started();
    queue.put(note(1));
    await queue.hold(host());
    queue.put(note(2));
    await queue.hold(host());
    expect(queue.repeats).toEqual([]);
    expect(emitted(queue)).toEqual([1, 2]);
  });

  it('forgets what can not come again: the state does not grow with the number of holds (I4)', async () => {
    const queue = await started();
    for (let n = 0; n < 50; n++) {
      queue.put(note(0, { properties: { [PROPERTY.key]: `k${n}` } }));
      await queue.hold(host());
    }
    expect(stateOf(queue).inbox.unsettled.length).toBeLessThan(5);
  });

  it('remembers a bounded number of callers’ keys', async () => {
    const queue = await started();
    for (let n = 0; n < 2_000; n += 200) {
      queue.put(
        ...Array.from({ length: 200 }, (_, at) => note(0, { properties: { [PROPERTY.key]: `k${n + at}` } })),
      );
      await queue.hold(host());
    }
    expect(stateOf(queue).inbox.keys.length).toBeLessThanOrEqual(512);
  });

  it('leaves a state of another format or of a newer version of the machine as it is, and says so (I14)', async () => {
    const queue = await started();
    for (const foreign of [
      { ...stateOf(queue), format: 99 },
      { ...stateOf(queue), version: '1.10' },
      { not: 'ours' },
    ]) {
      const raw = JSON.stringify(foreign);
      queue.keep(JSON.parse(raw));
      queue.put(note(1));
      const one = fakeHost(noteMachine, {
        machine: { type: 'm', module: 'none', export: 'none', version: '1.9', path: [] },
      });
      await queue.hold(one);
      expect(one.problems.join()).toContain('m/1');
      expect(JSON.stringify(queue.state)).toBe(raw);
      expect(queue.log()).toEqual([]);
    }
  });

  it('of a newer version takes the actor over and writes its version down', async () => {
    const queue = await started();
    queue.put(note(1));
    await queue.hold(
      fakeHost(noteMachine, { machine: { type: 'm', module: 'n', export: 'n', version: '2', path: [] } }),
    );
    expect(stateOf(queue).version).toBe('2');
  });
});

describe('repeats', () => {
  const fromPeer = (n: number, turn: number, index = 0) =>
    note(n, {
      properties: {
        [PROPERTY.from]: 'peer/1',
        [PROPERTY.incarnation]: 'i',
        [PROPERTY.turn]: turn,
        [PROPERTY.index]: index,
      },
    });

  it('of a peer’s effect or of a caller’s key are applied once, also within one batch (I4)', async () => {
    const queue = await started();
    const keyed = () => note(2, { properties: { [PROPERTY.key]: 'k' } });
    queue.put(fromPeer(1, 3), fromPeer(1, 3), keyed(), keyed(), fromPeer(3, 4));
    const one = host();
    await queue.hold(one);
    expect(notesOf(queue)).toEqual([1, 2, 3]);
    expect(one.counters.dropped).toBe(2);
    expect(queue.active.size).toBe(0);
  });
});

describe('what only start may do (I13)', () => {
  it('an event, a stop or a query of nobody leaves no state and no commit', async () => {
    const queue = new FakeQueue();
    queue.put(note(1), query(), note(2, { deliveryCount: 1 }));
    await queue.hold(host());
    expect(queue.commits()).toEqual([]);
    expect(queue.state).toBeNull();
    const error = { code: 'ACTOR_NOT_FOUND', message: expect.stringContaining('no actor m/1: ') };
    expect(queue.sent).toMatchObject([{ body: { answer: 'error', error } }]);
    expect(queue.active.size).toBe(0);
  });

  it('a query is answered without a commit from what is committed; a late one is dropped', async () => {
    const queue = await started();
    const late = query({ properties: { [PROPERTY.patience]: 999_999 } });
    queue.put(query({ properties: { [PROPERTY.patience]: 1_000_001 } }), late);
    await queue.hold(host());
    expect(queue.commits()).toEqual([]);
    expect(queue.sent).toMatchObject([
      { body: { answer: 'snapshot', snapshot: { value: 'open', turn: 1 } } },
    ]);
    expect(queue.active.size).toBe(0);
  });
});
