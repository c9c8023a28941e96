import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endOfReview } from '../../../../examples/repo-review/client/ending.ts';
import type { ReviewOutput } from '../../../../examples/repo-review/protocol.ts';

let out: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'quorate-end-'));
});
afterAll(() => rm(out, { recursive: true }));

describe('endOfReview', () => {
  it('sums up what was delivered', async () => {
    const report = {
      files: { reviewed: 6 },
      replies: { ok: 23, total: 24 },
      findings: { total: 3, bySeverity: { high: 1, medium: 2, low: 0 } },
      plan: { items: [{}, {}], score: 0.975, rounds: 1 },
      model: { calls: 2, promptTokens: 900, completionTokens: 70 },
    };
    await writeFile(join(out, 'report.json'), JSON.stringify(report));
    expect(await endOfReview({ status: 'delivered' } as ReviewOutput, out)).toEqual([
      ['report', join(out, 'report.md')],
      ['reviewed', '6 files, 23 of 24 answers'],
      ['findings', '3 (1 high, 2 medium, 0 low)'],
      ['plan', '2 items, score 0.97 after 1 round'],
      ['model', '2 calls, 900 tokens in, 70 out'],
    ]);
  });

  it.each([
    [true, 'is as it was'],
    [false, 'could not be put back: look into it'],
  ])(
    'throws what made it fail, and says what became of the folder (restored: %s)',
    async (restored, words) => {
      const error = { code: 'FOLDER_EMPTY', message: 'nothing there' };
      await expect(
        endOfReview({ status: 'failed', at: 'scanning', error, restored }, out),
      ).rejects.toMatchObject({
        code: 'FOLDER_EMPTY',
        message: `failed while scanning: nothing there\n${out} ${words}`,
      });
    },
  );
});
