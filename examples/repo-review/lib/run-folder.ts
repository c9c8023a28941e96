// The folder of one run: the only place that knows its names. Whatever is written here may be written again.
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { AgentContext, Json } from 'quorate';
import type { Finding, Reviewer, ReviewFile, ReviewReply, Scan, Severity } from '../protocol.ts';
import { errorCode, Failure } from './failure.ts';
import { mapLimited, readIfThere, sha256, writeAtomically } from './files.ts';

const READS_AT_ONCE = 32;

/** `key`: the scan's own, so that a later review under the same id never finds the leavings of an earlier one. */
export function runFolderOf(runs: string, runId: string, key: string): string {
  return join(runs, `${encodeURIComponent(runId)}.${sha256(key).slice(0, 12)}`);
}

export function dataFolder(): string {
  return resolve(process.env['QUORATE_DATA'] ?? '.quorate');
}

export const runFiles = {
  scan: (run: string) => join(run, 'scan.json'),
  findings: (run: string) => join(run, 'findings'),
  collected: (run: string) => join(run, 'collected.json'),
  usage: (run: string) => join(run, 'usage'),
  journal: (run: string) => join(run, 'delivery', 'journal.json'),
  closed: (run: string) => join(run, 'delivery', 'closed'),
  before: (run: string, name: string) => join(run, 'delivery', 'before', name),
} as const;

export interface Skipped {
  readonly path: string;
  readonly why: string;
}

/** What `scan` leaves for the report. */
export interface ScanRecord {
  readonly scan: Scan;
  readonly skipped: readonly Skipped[];
}

/** What one task found: a file of the run folder under the task's idempotency key. */
export interface FindingsFile {
  readonly file: string;
  readonly agent: Reviewer;
  readonly findings: readonly Finding[];
}

export interface CollectedFile {
  readonly findings: readonly Finding[];
  readonly merged: number;
}

/** What every stage after the collecting works on. */
export async function readCollected(run: string): Promise<CollectedFile> {
  const collected = await readJson<CollectedFile>(runFiles.collected(run));
  if (collected !== undefined) return collected;
  throw new Failure('FINDINGS_LOST', `${run} does not hold the findings of this run any more`);
}

export async function readJson<T>(path: string): Promise<T | undefined> {
  const bytes = await readIfThere(path);
  return bytes === undefined ? undefined : (JSON.parse(bytes.toString('utf8')) as T);
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  const text = JSON.stringify(value);
  await writeAtomically(path, text).catch(async (error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true });
    await writeAtomically(path, text);
  });
}

/** The same task writes the same file, however often it runs. */
export async function writeFindings(
  run: string,
  agent: Reviewer,
  file: ReviewFile,
  findings: readonly Finding[],
  context: Pick<AgentContext, 'key' | 'attempt'>,
): Promise<ReviewReply> {
  const name = `${encodeURIComponent(context.key)}.json`;
  await writeJson(join(runFiles.findings(run), name), {
    file: file.path,
    agent,
    findings,
  } satisfies FindingsFile);
  const of = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return {
    counts: {
      findings: findings.length,
      high: of('high'),
      medium: of('medium'),
      low: of('low'),
      repeated: context.attempt - 1,
    },
    ref: `findings/${name}`,
  };
}

export async function readAllFindings(run: string): Promise<FindingsFile[]> {
  const folder = runFiles.findings(run);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  return mapLimited(names, READS_AT_ONCE, async (name) => {
    return JSON.parse(await readFile(join(folder, name), 'utf8')) as FindingsFile;
  });
}

export function asJson(value: object): Json {
  return value as Json;
}
