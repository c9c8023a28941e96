// When new runs are refused: only behind a standing queue, by the least wait of whole intervals, with a gap between closing and opening;
// whatever comes in whatever order, and what is kept is bounded.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventJson, Json } from '../../../src/contract/json.ts';
import { type AdmissionState, reduceAdmission, verdictOf } from '../../../src/control/admission/admission.ts';
import { readVerdict } from '../../../src/control/admission/protocol.ts';

const MAX_MS = 1_000;
const INTERVAL_MS = 5_000;
const from = { entity: 'replies', sessionId: 'process', correlationId: 'admission' };

const waits = (least: Record<string, number>): EventJson => ({
  type: 'waits',
  least,
  maxWaitMs: MAX_MS,
  intervalMs: INTERVAL_MS,
});

type Report = readonly [at: number, least: Record<string, number>];

function after(reports: readonly Report[], state?: AdmissionState): AdmissionState {
  return reports.reduce<AdmissionState | undefined>(
    (known, [at, least]) => reduceAdmission(known, waits(least), at).state,
    state,
  ) as AdmissionState;
}

const isOver = (state: AdmissionState): boolean => verdictOf(state).over;

describe('admission', () => {
  it('lets in behind a burst, and not behind a queue that stands for a whole interval', () => {
    const burst: Report[] = [
      [0, { a: 9_000 }],
      [2_000, { a: 12_000 }],
      [4_900, { a: 10 }],
      [5_000, { a: 15_000 }],
    ];
    expect(isOver(after(burst))).toBe(false);
    const standing: Report[] = [
      ...burst,
      [7_000, { a: 20_000 }],
      [9_999, { a: 9_000 }],
      [10_000, { a: 9_500 }],
    ];
    expect(verdictOf(after(standing))).toEqual({
      over: true,
      agent: 'a',
      waitMs: 9_000,
      retryAfterMs: 9_000,
    });
  });

  it('lets in again at once when a report says that the queue is short: it may be the last one for long', () => {
    const over = after([
      [0, { a: 2_000 }],
      [5_000, { a: 2_000 }],
    ]);
    expect(isOver(over)).toBe(true);
    expect(isOver(after([[5_001, { a: 501 }]], over))).toBe(true);
    expect(isOver(after([[5_001, { a: 0 }]], over))).toBe(false);
  });

  it('lets in again once the least wait is half of what is allowed', () => {
    const over = after([
      [0, { a: 2_000 }],
      [5_000, { a: 2_000 }],
    ]);
    const still = after([[10_000, { a: 600 }]], over);
    expect(verdictOf(still)).toMatchObject({ over: true, waitMs: 600, retryAfterMs: 1_000 });
    expect(isOver(after([[15_000, { a: 0 }]], still))).toBe(false);
    // 600 alone would not have closed it.
    expect(
      isOver(
        after([
          [0, { a: 600 }],
          [5_000, { a: 600 }],
          [10_000, { a: 600 }],
        ]),
      ),
    ).toBe(false);
  });

  it('says the worst queue, and forgets what is not heard of', () => {
    const state = after([
      [0, { a: 2_000, b: 90_000, c: 5 }],
      [5_000, { a: 2_000, b: 90_000, c: 5 }],
    ]);
    expect(verdictOf(state)).toEqual({ over: true, agent: 'b', waitMs: 90_000, retryAfterMs: 60_000 });
    const asked = reduceAdmission(state, { type: 'ask', from }, 64_999);
    expect(readVerdict(asked.answers[0]?.value as Json)).toEqual(verdictOf(state));
    const later = reduceAdmission(state, { type: 'ask', from }, 65_000);
    expect(later).toMatchObject({ state: { queues: {} }, answers: [{ to: from, value: { over: false } }] });
  });

  it.each([
    { type: 'other' },
    { type: 'ask', from: { ...from, entity: 'actor.m' } },
    { type: 'ask', from: { ...from, sessionId: '' } },
    { type: 'waits', least: { a: -1 }, maxWaitMs: 1, intervalMs: 1 },
    { type: 'waits', least: { a: 1 }, maxWaitMs: 0, intervalMs: 1 },
    { type: 'waits', least: [1], maxWaitMs: 1, intervalMs: 1 },
  ])('changes nothing for %j, which no process of ours has sent', (event) => {
    const state = after([[5, { a: 2_000 }]]);
    expect(reduceAdmission(state, event as unknown as EventJson, 5)).toEqual({ state, answers: [] });
  });

  const agent = fc.constantFrom('a', 'b', 'toString', '__proto__');
  const reports = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 900 }), agent, fc.integer({ min: 0, max: 5_000 })), {
      minLength: 1,
      maxLength: 60,
    })
    .map((steps) => {
      let at = 0;
      return steps.map(([passed, name, wait]): Report => {
        at += passed;
        return [at, Object.fromEntries([[name, wait]])];
      });
    });

  it('never refuses while some task of every interval waits no longer than is allowed', () => {
    fc.assert(
      fc.property(reports, (each) => {
        const calm = each.map(
          ([at, least]): Report => [
            at,
            Object.fromEntries(Object.entries(least).map(([name, wait]) => [name, wait % (MAX_MS + 1)])),
          ],
        );
        for (let taken = 1; taken <= calm.length; taken++)
          expect(isOver(after(calm.slice(0, taken)))).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('is decided alike by reports that are repeated, split or turned round within an interval, and by clocks that go back', () => {
    fc.assert(
      fc.property(reports, fc.integer({ min: 0, max: 3_000 }), (each, back) => {
        const once = after(each);
        const twice = after(each.flatMap((report) => [report, report]));
        const jumping = after(
          each.flatMap(([at, least], n): Report[] =>
            n === 0
              ? [[at, least]]
              : [
                  [at, least],
                  [Math.max(0, at - back), least],
                ],
          ),
        );
        for (const other of [twice, jumping]) expect(verdictOf(other)).toEqual(verdictOf(once));
      }),
      { numRuns: 50 },
    );
  });

  it('keeps a bounded number of queues, those that were heard of last', () => {
    const many = Array.from({ length: 600 }, (_, n): Report => [n, { [`agent${n}`]: 1 }]);
    const names = Object.keys(after(many).queues);
    expect(names).toHaveLength(512);
    expect(names).toContain('agent599');
    expect(names).not.toContain('agent0');
  });
});
