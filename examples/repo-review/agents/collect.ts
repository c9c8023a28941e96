// Closes the list of findings: later stages all see the same one, whatever stragglers still write.
import type { AgentContext, Json } from 'quorate';
import { Failure } from '../lib/failure.ts';
import {
  asJson,
  type CollectedFile,
  readAllFindings,
  readJson,
  runFiles,
  writeJson,
} from '../lib/run-folder.ts';
import { countAttempt } from '../lib/usage.ts';
import { type Collected, type Finding, SEVERITIES, type Severity } from '../protocol.ts';

interface CollectInput {
  readonly runFolder: string;
  /** Findings that the accepted replies have counted. */
  readonly counted: number;
}

export async function collect(input: Json, context: AgentContext): Promise<Json> {
  const { runFolder, counted } = input as unknown as CollectInput;
  await countAttempt(runFolder, context);
  const earlier = await readJson<CollectedFile>(runFiles.collected(runFolder));
  if (earlier !== undefined) return asJson(summary(earlier));
  const findings = (await readAllFindings(runFolder)).flatMap((file) => file.findings);
  if (findings.length < counted) {
    const text = `the replies counted ${counted} findings, ${runFolder} holds ${findings.length}`;
    throw new Failure('FINDINGS_LOST', text);
  }
  const collected = merge(findings);
  await writeJson(runFiles.collected(runFolder), collected);
  return asJson(summary(collected));
}

/** One order for all, and each finding once: two tasks of one file and one place say the same thing. */
export function merge(findings: readonly Finding[]): CollectedFile {
  const place = (finding: Finding): string =>
    [finding.file, String(finding.line).padStart(7, '0'), finding.agent, finding.rule, finding.message].join(
      '\0',
    );
  const once = new Map(findings.map((finding) => [place(finding), finding]));
  const sorted = [...once].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, finding]) => finding);
  return { findings: sorted, merged: findings.length - sorted.length };
}

function summary({ findings, merged }: CollectedFile): Collected {
  const of = (severity: Severity): number => findings.filter((one) => one.severity === severity).length;
  const bySeverity = Object.fromEntries(SEVERITIES.map((severity) => [severity, of(severity)]));
  return { findings: findings.length, bySeverity: bySeverity as Collected['bySeverity'], merged };
}
