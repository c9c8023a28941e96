// What came of a review: the summary of a delivered report, or the error of a review that failed.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromErrorJson } from '../../contract/errors.ts';
import type { ErrorJson } from '../../contract/outcome.ts';

export type SummaryRow = readonly [label: string, text: string];

interface FailedReview {
  readonly status: 'failed';
  readonly at: string;
  readonly error: ErrorJson;
  readonly restored: boolean;
}

/** Throws what made the review fail; otherwise the rows that sum up what was delivered to `out`. */
export async function endOfReview(output: unknown, out: string): Promise<readonly SummaryRow[]> {
  if (!isFailed(output)) return summarizeReport(out);
  const { at, error, restored } = output;
  const folder = restored ? `${out} is as it was` : `${out} could not be put back: look into it`;
  throw fromErrorJson({ ...error, message: `failed while ${at}: ${error.message}\n${folder}` });
}

interface ReportFigures {
  readonly files: { readonly reviewed: number };
  readonly replies: { readonly ok: number; readonly total: number };
  readonly findings: { readonly total: number; readonly bySeverity: Readonly<Record<string, number>> };
  readonly plan: { readonly items: readonly unknown[]; readonly score: number; readonly rounds: number };
  readonly model: { readonly calls: number };
}

/** Read from the published report: what is printed is what was delivered. */
async function summarizeReport(out: string): Promise<readonly SummaryRow[]> {
  const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as ReportFigures;
  const { files, replies, findings, plan, model } = report;
  const severities = Object.entries(findings.bySeverity).map(([severity, found]) => `${found} ${severity}`);
  return [
    ['report', join(out, 'report.md')],
    ['reviewed', `${files.reviewed} files, ${replies.ok} of ${replies.total} answers`],
    ['findings', `${findings.total} (${severities.join(', ')})`],
    [
      'plan',
      `${plan.items.length} items, score ${plan.score.toFixed(2)} after ${count(plan.rounds, 'round')}`,
    ],
    ['model', model.calls === 0 ? 'none: planners and critic are code' : count(model.calls, 'call')],
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function isFailed(output: unknown): output is FailedReview {
  return typeof output === 'object' && output !== null && 'status' in output && output.status === 'failed';
}
