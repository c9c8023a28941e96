// Puts the report together from the run folder and from what the machine has counted.
import { join, relative } from 'node:path';
import { critiquePlan } from '../lib/critique.ts';
import { Failure } from '../lib/failure.ts';
import { exists, mapLimited, toPosix } from '../lib/files.ts';
import { readCollected, readJson, runFiles, type ScanRecord } from '../lib/run-folder.ts';
import { readUsage } from '../lib/usage.ts';
import type { Counted, Plan, Severity } from '../protocol.ts';
import { toMarkdown } from './markdown.ts';
import { REPORT_VERSION, type Report, reportSchema } from './schema.ts';

export const DOCUMENTS = ['report.md', 'report.json', 'plan.json'] as const;
export type DocumentName = (typeof DOCUMENTS)[number];

const STATS_AT_ONCE = 32;

export async function buildReport(
  runFolder: string,
  counted: Counted,
  plan: Plan,
  finishedAt: number,
): Promise<Report> {
  const record = await readJson<ScanRecord>(runFiles.scan(runFolder));
  if (record === undefined)
    throw new Failure('FINDINGS_LOST', `${runFolder} does not hold its file list any more`);
  const { scan, skipped } = record;
  const { findings, merged } = await readCollected(runFolder);
  const { repeated, modelCalls: calls, promptTokens, completionTokens } = await readUsage(runFolder);
  const { repeated: repeatedReplies, findings: _, errors, ...replies } = counted.replies;
  const of = (severity: Severity): number => findings.filter((one) => one.severity === severity).length;
  return reportSchema.parse({
    kind: 'quorate.repo-review',
    version: REPORT_VERSION,
    runId: counted.runId,
    folder: scan.root,
    startedAt: new Date(scan.startedAt).toISOString(),
    finishedAt: new Date(finishedAt).toISOString(),
    files: { reviewed: scan.fileCount, bytes: scan.bytes, skipped },
    replies: {
      policy: counted.policy,
      ...replies,
      errors: errors.map(({ agent, index, error: { code, message } }) => ({ agent, index, code, message })),
    },
    repeatedAttempts: repeatedReplies + repeated,
    model: { calls, promptTokens, completionTokens },
    findings: {
      total: findings.length,
      bySeverity: { high: of('high'), medium: of('medium'), low: of('low') },
      merged,
      list: findings,
    },
    plan: {
      ...plan,
      ...counted.plan,
      objections: critiquePlan(plan, findings).feedback.map((objection) => objection.text),
    },
  } satisfies Record<keyof Report, unknown>);
}

/** The documents to publish in `target`. Links to files under review are relative, and only to those still there. */
export async function toDocuments(report: Report, target: string): Promise<Record<DocumentName, string>> {
  const files = [
    ...new Set([
      ...report.findings.list.map((one) => one.file),
      ...report.plan.items.flatMap((one) => one.files),
    ]),
  ];
  const links = new Map<string, string>();
  await mapLimited(files, STATS_AT_ONCE, async (file) => {
    const absolute = join(report.folder, file);
    if (await exists(absolute)) links.set(file, toPosix(relative(target, absolute)));
  });
  return {
    'report.md': toMarkdown(report, (file) => links.get(file)),
    'report.json': `${JSON.stringify(report, null, 2)}\n`,
    'plan.json': `${JSON.stringify(report.plan, null, 2)}\n`,
  };
}
