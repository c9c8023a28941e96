import { describe, expect, it } from 'vitest';
import { watchActor } from '../../../src/client/watch.ts';
import { QuorateError } from '../../../src/contract/errors.ts';
import type { AnswerBody, TransitionsBody } from '../../../src/contract/wire.ts';

function setUp({
  signal,
  request,
}: {
  signal?: AbortSignal;
  request?: (leaseMs: number) => Promise<void>;
} = {}) {
  const leases: number[] = [];
  const open = new Set<() => Promise<void>>();
  const closed = Promise.withResolvers<unknown>();
  let hear: ((body: AnswerBody) => void) | undefined;
  const transitions = watchActor({
    signal,
    request: async (leaseMs) => {
      leases.push(leaseMs);
      await request?.(leaseMs);
    },
    listen: (onBody) => {
      hear = onBody;
      return { release: () => (hear = undefined), closed: closed.promise };
    },
    open,
  });
  return {
    transitions,
    leases,
    open,
    close: closed.resolve,
    tell: (body: AnswerBody) => hear?.(body),
    isHearing: () => hear !== undefined,
  };
}

const body = (turn: number, more: Partial<TransitionsBody> = {}): TransitionsBody => ({
  kind: 'answer',
  answer: 'transitions',
  incarnation: 'i',
  turn,
  status: 'active',
  value: 'open',
  steps: [],
  ...more,
});
const step = (type: string, value: string) => ({ event: { type }, value });

describe('watching', () => {
  it('yields the present state, then each step once, and ends with the actor', async () => {
    const { transitions, tell, isHearing, leases } = setUp();
    const first = transitions.next();
    await expect.poll(isHearing).toBe(true);
    tell(body(1));
    expect((await first).value).toEqual({ turn: 1, status: 'active', value: 'open' });
    tell(body(3, { steps: [step('a', 'x'), step('b', 'y')], value: 'y' }));
    tell(body(3, { steps: [step('a', 'x'), step('b', 'y')], value: 'y' }));
    tell(body(3));
    tell(body(4, { steps: [step('c', 'z')], value: 'z', status: 'done', output: 7 }));
    const rest = [];
    for await (const each of transitions) rest.push(each);
    expect(rest).toEqual([
      { turn: 3, status: 'active', value: 'x', event: { type: 'a' } },
      { turn: 3, status: 'active', value: 'y', event: { type: 'b' } },
      { turn: 4, status: 'done', value: 'z', event: { type: 'c' }, output: 7 },
    ]);
    expect(isHearing()).toBe(false);
    expect(leases).not.toContain(0);
  });

  it('yields where the actor is after a gap, and begins anew with another incarnation', async () => {
    const { transitions, tell, isHearing } = setUp();
    const first = transitions.next();
    await expect.poll(isHearing).toBe(true);
    tell(body(1));
    await first;
    tell(body(9, { value: 'far' }));
    tell(body(1, { incarnation: 'other', value: 'again' }));
    expect((await transitions.next()).value).toEqual({ turn: 9, status: 'active', value: 'far' });
    expect((await transitions.next()).value).toEqual({ turn: 1, status: 'active', value: 'again' });
    await transitions.return();
  });

  it('gives its lease back when its reader leaves', async () => {
    const { transitions, tell, leases, isHearing } = setUp();
    const first = transitions.next();
    await expect.poll(isHearing).toBe(true);
    tell(body(1));
    await first;
    await transitions.return();
    expect(leases.at(-1)).toBe(0);
    expect(isHearing()).toBe(false);
  });

  it('that is open finishes when its client closes, also one whose reader has walked away: the actor is told', async () => {
    const waiting = setUp();
    const first = waiting.transitions.next();
    await expect.poll(waiting.isHearing).toBe(true);
    const abandoned = setUp();
    const seen = abandoned.transitions.next();
    await expect.poll(abandoned.isHearing).toBe(true);
    abandoned.tell(body(1));
    await seen;
    for (const watch of [waiting, abandoned]) {
      for (const close of watch.open) await close();
      expect(watch.leases).toEqual([60_000, 0]);
      expect(watch.isHearing()).toBe(false);
      expect(watch.open.size).toBe(0);
    }
    expect(await first).toEqual({ done: true, value: undefined });
    expect(await abandoned.transitions.next()).toEqual({ done: true, value: undefined });
    expect(abandoned.leases).toEqual([60_000, 0]);
  });

  it('ends with its signal, its client, a refused request or the answer that there is no such actor', async () => {
    const control = new AbortController();
    const aborted = setUp({ signal: control.signal });
    const waiting = aborted.transitions.next();
    control.abort(new Error('changed my mind'));
    await expect(waiting).rejects.toThrow('changed my mind');

    const closed = setUp();
    const open = closed.transitions.next();
    closed.close(new QuorateError('ABORTED', 'the client was closed'));
    await expect(open).rejects.toMatchObject({ code: 'ABORTED' });

    const refused = setUp({ request: () => Promise.reject(new QuorateError('UNAUTHORIZED', 'wrong key')) });
    await expect(refused.transitions.next()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });

    const unknown = setUp();
    const nobody = unknown.transitions.next();
    await expect.poll(unknown.isHearing).toBe(true);
    unknown.tell({ kind: 'answer', answer: 'error', error: { code: 'ACTOR_NOT_FOUND', message: 'no' } });
    await expect(nobody).rejects.toMatchObject({ code: 'ACTOR_NOT_FOUND' });
  });
});
