import { describe, expect, it } from 'vitest';
import {
  formatProgress,
  type Progress,
  progressStep,
  showProgress,
} from '../../../../examples/repo-review/client/progress.ts';
import { createTerminal } from '../../../../src/cli/shared/terminal.ts';

function gathering(ok: number, failed: number, total: number): Progress {
  const answered = ok + failed;
  const counts = { total, answered, good: ok, ok, failed, invalid: 0, open: total - answered };
  const gather = { childId: 'reviews', ...counts, duplicates: 0, startedAt: 0 };
  return { value: 'reviewing', gathers: [gather] };
}

describe('formatProgress', () => {
  it('counts every answer and names the failed', () => {
    expect(formatProgress(gathering(3, 0, 8), false)).toBe('reviewing  3/8');
    expect(formatProgress(gathering(3, 1, 8), false)).toBe('reviewing  4/8 (1 failed)');
  });

  it('draws a bar of constant width', () => {
    const bars = [0, 1, 7, 8].map(
      (ok) =>
        formatProgress(gathering(ok, 0, 8), true)
          .split('  ')[1]
          ?.split(' ')[0],
    );
    expect(new Set(bars.map((bar) => bar?.length))).toEqual(new Set([24]));
    expect(bars[0]).not.toContain('█');
    expect(bars[3]).not.toContain('░');
  });

  it('survives a gather of nothing', () => {
    expect(formatProgress(gathering(0, 0, 0), true)).toContain('0/0');
  });
});

describe('progressStep', () => {
  it('changes with the state and with every tenth of a gather, not with every answer', () => {
    expect(progressStep(gathering(10, 0, 1000))).toBe(progressStep(gathering(11, 0, 1000)));
    expect(progressStep(gathering(99, 0, 1000))).not.toBe(progressStep(gathering(90, 10, 1000)));
    expect(progressStep({ ...gathering(1, 0, 9), value: 'planning' })).not.toBe(
      progressStep(gathering(1, 0, 9)),
    );
  });
});

describe('showProgress', () => {
  it('prints a line per step, continues after a query that failed, and ends with its signal', async () => {
    const answers: (Progress | Error)[] = [
      new Error('not there yet'),
      gathering(1, 0, 10),
      gathering(1, 0, 10),
      gathering(2, 0, 10),
    ];
    const ended = new AbortController();
    const query = (): Promise<Progress> => {
      const next = answers.shift();
      if (answers.length === 0) setImmediate(() => ended.abort());
      return next instanceof Error || next === undefined
        ? Promise.reject(next ?? new Error('over'))
        : Promise.resolve(next);
    };
    const written: string[] = [];
    const terminal = createTerminal({ write: (text) => written.push(text) }, {});
    await showProgress(query, terminal, ended.signal);
    expect(written).toEqual(['  reviewing  1/10\n', '  reviewing  2/10\n']);
  });
});
