// What its target does not take holds up nobody but its actor: the rest leaves, the actor stands still without a lock, and
// goes on by itself once the target is back. Time is a number here.
import { describe, expect, it } from 'vitest';
import { QuorateError } from '../../../../../src/contract/errors.ts';
import type { InboundMessage, WireMessage } from '../../../../../src/contract/wire.ts';
import { fakeHost } from '../../../../kit/fake-host.ts';
import { FakeQueue, type Fate, type Step } from '../../../../kit/fake-queue.ts';
import { inbound } from '../../../../kit/inbound.ts';
import { noteMachine } from '../../../../kit/note-machine.ts';
import { asker, emitted, event, note, notesOf, query, start, stateOf } from '../../../../kit/notes.ts';

const START = 1_000_000;
const HOUR = 3_600_000;

/** An actor whose queue, broker and clock the test has in hand. `gone` = targets that take nothing. */
class Scene {
  readonly queue = new FakeQueue();
  readonly gone = new Map<string, string>();
  readonly problems: string[] = [];
  now = START;
  #woken = new Set<string>();

  async hold(crash?: (step: Step, at: number) => Fate): Promise<void> {
    const host = fakeHost(noteMachine, { clock: { now: () => this.now } });
    await this.queue.hold(host, {
      fate: (step, at) => crash?.(step, at) ?? this.#answer(step),
    });
    this.problems.push(...host.problems);
  }

  /** What is scheduled for the actor until then comes, in its time, and is worked on. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      const due = this.#wakes().toSorted((a, b) => (a.notBefore ?? 0) - (b.notBefore ?? 0))[0];
      if (due === undefined || (due.notBefore ?? 0) > end) break;
      this.#woken.add(due.messageId);
      this.now = Math.max(this.now, due.notBefore ?? 0);
      this.queue.put(inbound('timer', due.body, { messageId: due.messageId }));
      await this.hold();
    }
    this.now = end;
  }

  answers(): WireMessage[] {
    return this.queue.sent.filter(({ subject }) => subject === 'answer');
  }

  #wakes(): WireMessage[] {
    return this.queue.sent.filter(
      ({ subject, body, messageId }) =>
        subject === 'timer' &&
        String((body as { token?: unknown }).token).startsWith('deliver#') &&
        !this.#woken.has(messageId),
    );
  }

  #answer(step: Step): Fate {
    if (step.kind !== 'publish') return 'done';
    for (const { entity } of step.messages) {
      const code = this.gone.get(entity);
      if (code !== undefined)
        return new QuorateError(code as 'TOPOLOGY_MISMATCH', `sending to ${entity} failed: no`);
    }
    return 'done';
  }
}

const tell = (n: number): InboundMessage => event('tell', { to: 'peer', id: `p${n}` });
const told = ({ queue }: Scene): (string | undefined)[] =>
  queue.sent.filter(({ entity }) => entity === 'actor.peer').map(({ sessionId }) => sessionId);

async function scene(messages: () => InboundMessage[]): Promise<Scene> {
  const made = new Scene();
  made.gone.set('actor.peer', 'TOPOLOGY_MISMATCH');
  made.queue.put(start(), ...messages());
  await made.hold();
  return made;
}

describe.each(['TOPOLOGY_MISMATCH', 'QUOTA_EXCEEDED'])('a target that is not there for now: %s', (code) => {
  it('holds up what goes there, in order, and nothing else; the rest comes after it when it is back', async () => {
    const one = new Scene();
    one.gone.set('actor.peer', code);
    one.queue.put(start(), tell(1), note(1), tell(2), tell(3));
    await one.hold();
    expect(emitted(one.queue)).toEqual([1]);
    expect(told(one)).toEqual([]);
    expect(one.queue.active.size).toBe(0);
    one.queue.put(note(2));
    await one.hold();
    expect(one.queue.deferred.size).toBe(1);
    await one.pass(60_000);
    expect(told(one)).toEqual([]);
    one.gone.clear();
    await one.pass(120_000);
    expect(told(one)).toEqual(['p1', 'p2', 'p3']);
    expect(notesOf(one.queue)).toEqual([1, 2]);
    expect(one.queue.deferred.size).toBe(0);
    expect(stateOf(one.queue)).not.toHaveProperty('quarantine');
    expect(one.queue.repeats.filter(({ entity }) => entity === 'actor.peer')).toEqual([]);
  });
});

it('is tried less and less often, and is said to be quarantined after five minutes, once', async () => {
  const one = await scene(() => [tell(1)]);
  const shown = async (): Promise<unknown> => {
    one.queue.put(query());
    await one.hold();
    const body = one.answers().at(-1)?.body as { snapshot?: { quarantine?: unknown } } | undefined;
    return body?.snapshot?.quarantine;
  };
  await one.pass(280_000);
  expect(await shown()).toBeUndefined();
  expect(one.problems).toEqual([expect.stringContaining('not delivered yet: event to actor.peer')]);
  await one.pass(90_000);
  expect(await shown()).toMatchObject({ code: 'TOPOLOGY_MISMATCH', since: START });
  await one.pass(HOUR);
  expect(one.problems.filter((text) => text.startsWith('quarantined: event to actor.peer'))).toHaveLength(1);
  const tries = one.queue.steps.filter(({ kind }) => kind === 'commit').length;
  expect(tries).toBeLessThan(90);
  one.gone.clear();
  await one.pass(60_000);
  expect(told(one)).toEqual(['p1']);
  expect(await shown()).toBeUndefined();
});

it('refused for good stops its actor at once, is named, and is tried again at a release only', async () => {
  const one = new Scene();
  one.gone.set('actor.peer', 'EFFECT_TOO_LARGE');
  one.queue.put(start(), tell(1), note(1));
  await one.hold();
  expect(one.problems.at(-1)).toContain('quarantined: event to actor.peer');
  expect(emitted(one.queue)).toEqual([1]);
  await one.pass(HOUR);
  expect(one.queue.active.size).toBe(0);
  one.queue.put(inbound('release', { kind: 'release', asker }));
  await one.hold();
  expect(one.answers().at(-1)?.body).toMatchObject({ answer: 'error', error: { code: 'EFFECT_TOO_LARGE' } });
  one.gone.clear();
  one.queue.put(inbound('release', { kind: 'release', asker }));
  await one.hold();
  expect(one.answers().at(-1)?.body).toMatchObject({ answer: 'released' });
  expect(told(one)).toEqual(['p1']);
});

it('is no obstacle to a purge, even when nothing can be sent', async () => {
  const one = await scene(() => [tell(1)]);
  one.queue.put(inbound('purge', { kind: 'purge', asker }));
  await one.hold();
  expect(one.queue.state).toBeNull();
  expect(one.problems.at(-1)).toContain('stopped with 1 entries that were not delivered');

  // An outbox that a holder left when it died, and that cannot leave now.
  const other = new Scene();
  other.queue.put(start(), note(1));
  await other.hold(({ kind }) => (kind === 'publish' ? 'dies-before' : 'done'));
  other.queue.put(inbound('purge', { kind: 'purge', asker }));
  other.gone.set('events', 'TOPOLOGY_MISMATCH');
  await other.hold();
  expect(other.queue.state).toBeNull();
});

it('is no obstacle to a stop', async () => {
  const one = await scene(() => [tell(1), event('ask')]);
  one.queue.put(inbound('stop', { kind: 'stop' }));
  await one.hold();
  expect(stateOf(one.queue).core?.status).toBe('stopped');
  expect(one.queue.active.size).toBe(0);
});

it('that an answer goes to stops no actor', async () => {
  const one = new Scene();
  one.gone.set('replies', 'TOPOLOGY_MISMATCH');
  one.queue.put(start(), query(), note(1));
  await one.hold();
  expect(emitted(one.queue)).toEqual([1]);
  expect(stateOf(one.queue)).not.toHaveProperty('quarantine');
});

it('survives a crash or a lost lock at each step: all leaves once, in order, and nothing stands still for ever', async () => {
  for (const fate of ['dies-before', 'dies-after', 'lost', 'lost-after'] as const) {
    for (let at = 0; at < 30; at++) {
      const one = new Scene();
      let steps = 0;
      const crash = (step: Step): Fate => {
        if (steps++ === at) return fate;
        return step.kind === 'publish' &&
          step.messages.some(({ entity }) => entity === 'actor.peer') &&
          one.gone.size > 0
          ? new QuorateError('TOPOLOGY_MISMATCH', 'no')
          : 'done';
      };
      one.gone.set('actor.peer', 'TOPOLOGY_MISMATCH');
      one.queue.put(start(), tell(1), note(1), tell(2), note(2));
      await one.hold(crash);
      await one.hold(crash);
      one.gone.clear();
      for (let n = 0; n < 4; n++) await one.pass(60_000);
      const where = `${fate} at ${at}: ${one.queue.log().join(', ')}`;
      expect(told(one), where).toEqual(['p1', 'p2']);
      expect(notesOf(one.queue), where).toEqual([1, 2]);
      expect(one.queue.active.size + one.queue.deferred.size, where).toBe(0);
    }
  }
});
