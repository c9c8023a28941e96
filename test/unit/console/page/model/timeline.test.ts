import { describe, expect, it } from 'vitest';
import { entriesOf, stepAt } from '../../../../../src/console/page/model/timeline.ts';
import type { TimelineStep } from '../../../../../src/console/protocol.ts';

const step = (turn: number, at: number): TimelineStep => ({ turn, at, event: 'E', value: 's', effects: [] });

describe('a timeline', () => {
  it('folds idle time and shows turns that were not seen where they are missing', () => {
    const steps = [step(1, 0), step(2, 90_000), step(15, 91_000), step(16, 92_000)];
    expect(entriesOf(steps, [{ after: 2, to: 14 }])).toEqual([
      { kind: 'step', step: steps[0], index: 0 },
      { kind: 'idle', ms: 90_000, key: 'idle 2' },
      { kind: 'step', step: steps[1], index: 1 },
      { kind: 'gap', turns: 12, key: 'gap 2' },
      { kind: 'step', step: steps[2], index: 2 },
      { kind: 'step', step: steps[3], index: 3 },
    ]);
  });

  it('calls turns whose steps were not told one by one neither idle nor missing', () => {
    const kinds = entriesOf([step(1, 0), step(700, 90_000)], []).map(({ kind }) => kind);
    expect(kinds).toEqual(['step', 'between', 'step']);
  });

  it('ends with a gap that no step follows', () => {
    expect(entriesOf([step(1, 0)], [{ after: 1, to: 3 }]).at(-1)).toEqual({
      kind: 'gap',
      turns: 2,
      key: 'gap 1',
    });
  });

  it('finds the step of a turn', () => {
    const steps = [step(2, 0), step(5, 0)];
    expect([undefined, 1, 2, 4, 5, 9].map((turn) => stepAt(steps, turn))).toEqual([1, 0, 0, 0, 1, 1]);
    expect(stepAt([], 1)).toBe(-1);
  });
});
