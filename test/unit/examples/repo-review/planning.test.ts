// From findings to a plan, by rules: grouping, ranking, what the critic objects to and what becomes of it.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BY_EFFORT } from '../../../../examples/repo-review/agents/plan-by-effort.ts';
import { BY_RISK } from '../../../../examples/repo-review/agents/plan-by-risk.ts';
import { critiquePlan } from '../../../../examples/repo-review/lib/critique.ts';
import {
  MAX_FILES_PER_ITEM,
  MAX_ITEMS,
  makePlan,
  rankClaims,
} from '../../../../examples/repo-review/lib/planning.ts';
import { type Finding, type Objection, SEVERITIES } from '../../../../examples/repo-review/protocol.ts';

type Codes = Objection['code'][];

const finding = (file: string, rule: string, severity: Finding['severity'] = 'low', line = 1): Finding => ({
  file,
  line,
  agent: 'secrets',
  rule,
  severity,
  message: rule,
});

const plan = (findings: readonly Finding[], codes: Codes = [], strategy = BY_RISK) =>
  makePlan(strategy, findings, new Set(codes));

const files = (count: number, rule: string, severity: Finding['severity'] = 'low'): Finding[] =>
  Array.from({ length: count }, (_, index) =>
    finding(`src/${String(index).padStart(3, '0')}.ts`, rule, severity),
  );

const codesOf = (critique: { feedback: readonly Objection[] }): Codes =>
  critique.feedback.map(({ code }) => code);

describe('the critic', () => {
  test('is content with nothing when there is nothing to do', () => {
    expect(critiquePlan(plan([]), [])).toEqual({ score: 1, feedback: [] });
  });

  test('objects to findings of high severity that are left out, until all are in', () => {
    const findings = files(15, 'eval', 'high');
    const first = critiquePlan(plan(findings), findings);
    expect(codesOf(first)).toEqual(['UNCOVERED_HIGH', 'SCATTERED']);
    const second = critiquePlan(plan(findings, codesOf(first)), findings);
    expect(second).toEqual({ score: 1, feedback: [] });
  });

  test('objects to items of too many files: the worst stay, the others wait', () => {
    const findings = [...files(60, 'dead-link'), finding('src/059.ts', 'dead-link', 'medium', 7)];
    const whole = plan(findings, ['SCATTERED']);
    expect(codesOf(critiquePlan(whole, findings))).toEqual(['ITEM_TOO_BIG']);
    const part = plan(findings, ['SCATTERED', 'ITEM_TOO_BIG']);
    expect(part.items.map((item) => [item.title, item.files.length, item.findings])).toEqual([
      ['Repair dead links: the worst 25 of 60 files', 25, 26],
    ]);
    expect(part.items[0]?.files).toContain('src/059.ts');
    expect(critiquePlan(part, findings)).toEqual({ score: 1, feedback: [] });
  });

  test('of high severity nothing waits: as many items as it takes, without being called scattered', () => {
    const findings = files(60, 'private-key', 'high');
    const parts = plan(findings, ['SCATTERED', 'ITEM_TOO_BIG']);
    expect(parts.items.map((item) => item.title)).toEqual([
      'Take private keys out and replace them: the worst 25 of 60 files',
      'Take private keys out and replace them: 26 to 50 of 60 files',
      'Take private keys out and replace them: 51 to 60 of 60 files',
    ]);
    expect(critiquePlan(parts, findings)).toEqual({ score: 1, feedback: [] });
  });

  test('objects to too many items; the tail is swept up into one', () => {
    const findings = Array.from({ length: 20 }, (_, index) => finding('a.ts', `rule-${index}`, 'high'));
    const long = plan(findings, ['UNCOVERED_HIGH']);
    expect(codesOf(critiquePlan(long, findings))).toEqual(['TOO_MANY_ITEMS']);
    const swept = plan(findings, ['UNCOVERED_HIGH', 'TOO_MANY_ITEMS']);
    expect(swept.items).toHaveLength(MAX_ITEMS);
    expect(swept.items.at(-1)).toMatchObject({ title: 'Sweep up what is left', findings: 9 });
    expect(critiquePlan(swept, findings)).toEqual({ score: 1, feedback: [] });
  });

  test('prefers the order that takes the risk down early', () => {
    const findings = [finding('a.ts', 'complex-function', 'medium'), ...files(3, 'empty-file')];
    const risk = critiquePlan(plan(findings, ['SCATTERED'], BY_RISK), findings);
    const effort = critiquePlan(plan(findings, ['SCATTERED'], BY_EFFORT), findings);
    expect(risk.score).toBe(1);
    expect(effort.score).toBeLessThan(1);
  });
});

describe('planners', () => {
  test('compete: one asks what is dangerous, the other what is cheap', () => {
    const findings = [
      finding('a.ts', 'private-key', 'high'),
      ...files(60, 'tls-disabled', 'high').slice(0, 1),
    ];
    const first = (strategy: typeof BY_RISK) => plan(findings, ['SCATTERED'], strategy).items[0]?.title;
    expect(first(BY_RISK)).toBe('Check certificates again');
    expect(first(BY_EFFORT)).toBe('Check certificates again');
    const more = [...findings, finding('b.ts', 'private-key', 'high')];
    const firstOfMore = (strategy: typeof BY_RISK) => plan(more, ['SCATTERED'], strategy).items[0]?.title;
    expect(firstOfMore(BY_RISK)).toBe('Take private keys out and replace them');
    expect(firstOfMore(BY_EFFORT)).toBe('Check certificates again');
  });

  test('a finding belongs to the first item that claims it; empty claims and unknown files fall away', () => {
    const findings = [finding('a.ts', 'eval', 'high'), finding('b.ts', 'eval')];
    const ranked = rankClaims(
      'model',
      [
        { title: 'one', rules: ['eval'], files: ['a.ts', 'made-up.ts'] },
        { title: 'none', rules: ['eval'], files: ['a.ts'] },
        { title: 'two', rules: ['eval', 'other'], files: ['a.ts', 'b.ts'] },
      ],
      findings,
    );
    expect(
      ranked.items.map(({ rank, title, files: named, findings: count }) => [rank, title, named, count]),
    ).toEqual([
      [1, 'one', ['a.ts'], 1],
      [2, 'two', ['b.ts'], 1],
    ]);
  });
});

test('whatever the findings, heeding every objection ends with a plan that covers all of high severity in its limits', () => {
  const one = fc.record({
    file: fc.integer({ min: 0, max: 80 }).map((n) => `f${n}.ts`),
    rule: fc.constantFrom('eval', 'dead-link', 'private-key', 'orphan-note', 'own-rule'),
    severity: fc.constantFrom(...SEVERITIES),
    line: fc.integer({ min: 1, max: 9 }),
  });
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  console.info(`planning.test seed ${seed}`);
  fc.assert(
    fc.property(fc.array(one, { maxLength: 300 }), fc.constantFrom(BY_RISK, BY_EFFORT), (drawn, strategy) => {
      const findings = drawn.map(({ file, rule, severity, line }) => finding(file, rule, severity, line));
      const heeded = new Set<Objection['code']>();
      let offer = makePlan(strategy, findings, heeded);
      for (let round = 0; round < 4; round += 1) {
        for (const { code } of critiquePlan(offer, findings).feedback) heeded.add(code);
        offer = makePlan(strategy, findings, heeded);
      }
      const codes = codesOf(critiquePlan(offer, findings));
      expect(codes).not.toContain('UNCOVERED_HIGH');
      expect(offer.items.length).toBeLessThanOrEqual(
        Math.max(MAX_ITEMS, 5 * Math.ceil(81 / MAX_FILES_PER_ITEM)),
      );
      expect(offer.items.map((item) => item.rank)).toEqual(offer.items.map((_, index) => index + 1));
    }),
    { seed, numRuns: 200 },
  );
});
