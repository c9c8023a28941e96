// The documents of a report: Markdown that holds what it was given, links that lead somewhere, and the check that sees it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toDocuments } from '../../../../examples/repo-review/report/build.ts';
import {
  code,
  duration,
  plain,
  plural,
  table,
} from '../../../../examples/repo-review/report/markdown-text.ts';
import { REPORT_VERSION, type Report, reportSchema } from '../../../../examples/repo-review/report/schema.ts';
import { checkDocument } from '../../../../examples/repo-review/report/verify.ts';
import { temporaryFolder } from './kit.ts';

async function reportOf(folder: string, more: Partial<Report> = {}): Promise<Report> {
  const at = '2026-11-01T10:00:00.000Z';
  const finding = { line: 1, agent: 'secrets', rule: 'eval', severity: 'high', message: 'a | b' } as const;
  const list = ['odd name #1 (x.js', 'gone.js'].map((file) => ({ ...finding, file, excerpt: 'f(`a|b`)' }));
  const item = {
    rank: 1,
    title: 'No *eval*',
    rules: ['eval'],
    findings: 2,
    severity: 'high',
    effort: 'S',
    why: 'x',
  } as const;
  await writeFile(join(folder, 'odd name #1 (x.js'), 'x');
  return reportSchema.parse({
    kind: 'quorate.repo-review',
    version: REPORT_VERSION,
    runId: 'r',
    folder,
    startedAt: at,
    finishedAt: at,
    files: { reviewed: 2, bytes: 10, skipped: [] },
    replies: {
      policy: 1_500,
      outcome: 'deadline',
      total: 8,
      ok: 7,
      failed: 0,
      missing: 1,
      duplicates: 2,
      errors: [],
    },
    repeatedAttempts: 3,
    model: { calls: 4, promptTokens: 1_000, completionTokens: 234 },
    findings: { total: 2, bySeverity: { high: 2, medium: 0, low: 0 }, merged: 0, list },
    plan: {
      planner: 'by risk',
      items: [{ ...item, files: list.map(({ file }) => file) }],
      accepted: false,
      score: 0.5,
      rounds: 4,
      refused: [],
      lost: 0,
      objections: ['too big'],
    },
    ...more,
  });
}

async function documents(): Promise<{ readonly out: string; readonly text: string; readonly json: string }> {
  const [folder, out] = [await temporaryFolder(), await temporaryFolder()];
  const written = await toDocuments(await reportOf(folder), out);
  for (const [name, text] of Object.entries(written)) await writeFile(join(out, name), text);
  return { out, text: written['report.md'], json: written['report.json'] };
}

describe('report.md', () => {
  test('tells what was counted', async () => {
    const { text } = await documents();
    expect(text).toContain('| Answers | 7 of 8, 0 failed, 1 missing (waited at most 1.5 s) |');
    expect(text).toContain('| Duplicates dropped | 2 answers, 0 findings |');
    expect(text).toContain('| Attempts repeated | 3 |');
    expect(text).toContain('| Model | 4 calls, 1,234 tokens |');
    expect(text).toContain('- still objected to: too big');
  });

  test('links to files that are there, whatever their names, and names the others', async () => {
    const { out, text } = await documents();
    expect(text).toContain('### [`odd name #1 (x.js`](');
    expect(text).toContain('/odd%20name%20%231%20%28x.js)');
    expect(text).toContain('### `gone.js`');
    expect(await checkDocument('report.md', text, out)).toBeUndefined();
  });

  test('keeps Markdown out of what it quotes', async () => {
    const { text } = await documents();
    expect(text).toContain('No \\*eval\\*');
    expect(text).toContain('a \\| b: ``f(`a|b`)``');
    expect([code('a'), code('`a`'), code('a``b')]).toEqual(['`a`', '`` `a` ``', '```a``b```']);
    expect(table(['h'], [['a|b'], ['c\\|d']])).toEqual(['| h |', '| --- |', '| a\\|b |', '| c\\|d |']);
    expect(plain('a\nb <c> [d](e)')).toBe('a b \\<c\\> \\[d\\](e)');
  });

  test.each([
    [999, '1.0 s'],
    [61_000, '1 min 1 s'],
    [119_900, '2 min 0 s'],
  ])('%d ms are %s', (ms, text) => expect(duration(ms)).toBe(text));

  test('counts in English', () =>
    expect([plural(1, 'file'), plural(2_000, 'file')]).toEqual(['1 file', '2,000 files']));
});

describe('the check before publishing', () => {
  test('sees a link that leads nowhere and an anchor that is none', async () => {
    const { out } = await documents();
    expect(await checkDocument('report.md', '[a](report.json) [b](nothing.json)', out)).toContain(
      'nothing.json',
    );
    expect(await checkDocument('report.md', '# A\n[a](#a) [b](#b)', out)).toContain('#b');
  });

  test('sees JSON that is none, of another version, or with a field too many', async () => {
    const { out, json } = await documents();
    const changed = (more: object): string => JSON.stringify({ ...(JSON.parse(json) as object), ...more });
    expect(await checkDocument('report.json', json, out)).toBeUndefined();
    expect(await checkDocument('report.json', json.slice(0, -5), out)).toBe('is not JSON');
    expect(await checkDocument('report.json', changed({ version: 2 }), out)).toContain('version');
    expect(await checkDocument('report.json', changed({ extra: 1 }), out)).toContain('extra');
    expect(await checkDocument('plan.json', '{"items":[]}', out)).toContain('planner');
  });
});
