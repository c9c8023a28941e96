// What came of a review: the summary of a delivered report, or the error of a review that failed.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReviewOutput } from '../protocol.ts';
import type { Report } from '../report/schema.ts';

export type SummaryRow = readonly [label: string, text: string];

/** Throws what made the review fail; otherwise the rows that sum up what was delivered to `out`. */
export async function endOfReview(output: ReviewOutput, out: string): Promise<readonly SummaryRow[]> {
  if (output.status === 'delivered') return summarizeReport(out);
  const { at, error, restored } = output;
  const folder = restored ? `${out} is as it was` : `${out} could not be put back: look into it`;
  throw Object.assign(new Error(`failed while ${at}: ${error.message}\n${folder}`), { code: error.code });
}

/** Read from the published report: what is printed is what was delivered. */
async function summarizeReport(out: string): Promise<readonly SummaryRow[]> {
  const report = JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as Report;
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
    ['model', model.calls === 0 ? 'none: planners and critic are code' : describeModel(model)],
  ];
}

function describeModel({ calls, promptTokens, completionTokens }: Report['model']): string {
  return `${count(calls, 'call')}, ${promptTokens} tokens in, ${completionTokens} out`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
