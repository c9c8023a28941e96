import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createEnds, type Life } from '../../../src/client/ends.ts';
import type { AnswerBody } from '../../../src/contract/wire.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const actor = { type: 'story', id: 's1' };
const life = (status: 'active' | 'done'): AnswerBody => ({
  kind: 'answer',
  answer: 'life',
  status,
  incarnation: 'one',
});
const refused = (code: 'QUOTA_EXCEEDED' | 'ACTOR_NOT_FOUND'): AnswerBody => ({
  kind: 'answer',
  answer: 'error',
  error: { code, message: code },
});

function ends(answers: (asked: number) => Promise<void> = async () => {}) {
  const heard = new Map<string, (body: AnswerBody) => void>();
  const asked: { correlationId: string; leaseMs: number }[] = [];
  const made = createEnds({
    requests: {
      listen: (correlationId, onBody) => {
        heard.set(correlationId, onBody);
        return { release: () => void heard.delete(correlationId), closed: new Promise(() => {}) };
      },
    },
    request: (_actor, correlationId, leaseMs) => {
      asked.push({ correlationId, leaseMs });
      return answers(asked.length);
    },
  });
  const told: (Life | 'lost')[] = [];
  const begin = () =>
    made.follow(actor, { onLife: (one) => void told.push(one), onLost: () => void told.push('lost') });
  const say = (body: AnswerBody): void => {
    for (const onBody of heard.values()) onBody(body);
  };
  return { begin, say, asked, told, heard };
}

describe('the end of an actor', () => {
  it('is asked for once, whatever the number of readers, and told to each of them', () => {
    const { begin, say, asked, told, heard } = ends();
    begin();
    begin();
    expect(asked).toHaveLength(1);
    say(life('active'));
    say(life('done'));
    const [now, end] = [true, false].map((isActive) => ({ isActive, incarnation: 'one' }));
    expect(told).toEqual([now, now, end, end]);
    expect(heard.size).toBe(0);
    // Of another life.
    begin();
    expect(asked).toHaveLength(2);
  });

  it('is asked for again before the actor forgets it, until nobody reads', () => {
    const { begin, asked, heard } = ends();
    const stop = begin();
    const { leaseMs } = asked[0] ?? { leaseMs: 0 };
    vi.advanceTimersByTime(leaseMs - 1);
    expect(asked.length).toBeGreaterThan(1);
    expect(new Set(asked.map(({ correlationId }) => correlationId)).size).toBe(1);
    stop();
    const before = asked.length;
    // One who comes at once is told by what was asked before.
    begin()();
    vi.advanceTimersByTime(2 * leaseMs);
    expect(asked).toHaveLength(before);
    expect(heard.size).toBe(0);
  });

  it('is lost where the actor tells too many already, or nothing can be sent, and had where there is no actor', async () => {
    const full = ends();
    full.begin();
    full.say(refused('QUOTA_EXCEEDED'));
    expect(full.told).toEqual(['lost']);
    full.begin();
    expect(full.asked).toHaveLength(2);
    const cut = ends(async () => {
      throw new Error('no broker');
    });
    cut.begin();
    await vi.advanceTimersByTimeAsync(0);
    expect(cut.told).toEqual(['lost']);
    const none = ends();
    none.begin();
    none.say(refused('ACTOR_NOT_FOUND'));
    expect(none.told).toEqual([{ isActive: false, incarnation: '' }]);
  });
});
