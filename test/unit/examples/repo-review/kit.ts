// What the tests of the sample application share: folders that vanish, a context as agents get it, trees as data.
import { createHash } from 'node:crypto';
import { chmod, cp, lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentContext, Json, PayloadRef, PayloadStore } from 'quorate';
import { onTestFinished } from 'vitest';
import { merge } from '../../../../examples/repo-review/agents/collect.ts';
import { readAllFindings, runFiles, writeJson } from '../../../../examples/repo-review/lib/run-folder.ts';
import type { Finding, Workplace } from '../../../../examples/repo-review/protocol.ts';

export const TODAY = '2026-11-01';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-review-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A copy outside of any git repository, with permissions that do not depend on who checked it out. */
export async function copyOfFixture(name: string): Promise<string> {
  const folder = join(await temporaryFolder(), name);
  const fixture = new URL(`../../../fixtures/repos/${name}/`, import.meta.url);
  await cp(fileURLToPath(fixture), folder, { recursive: true });
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), 0o644);
  }
  return folder;
}

export function memoryPayloads(): PayloadStore {
  const values = new Map<string, string>();
  return {
    put: async (value): Promise<PayloadRef> => {
      const text = JSON.stringify(value);
      const id = createHash('sha256').update(text).digest('hex');
      values.set(id, text);
      return { $payload: id, bytes: text.length, ...(Array.isArray(value) ? { count: value.length } : {}) };
    },
    get: async (ref): Promise<Json> => JSON.parse(values.get(ref.$payload) ?? 'null') as Json,
  };
}

export function agentContext(more: Partial<AgentContext> = {}): AgentContext {
  const silent = (): void => undefined;
  return {
    key: 'key',
    attempt: 1,
    signal: new AbortController().signal,
    deadlineAt: Number.POSITIVE_INFINITY,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    payloads: memoryPayloads(),
    partial: async () => undefined,
    stream: silent,
    usage: silent,
    reserve: async () => ({ settle: silent }),
    ...more,
  };
}

export async function workplace(root: string): Promise<Workplace> {
  return { root, runFolder: await temporaryFolder(), today: TODAY };
}

export function taskFor(place: Workplace, path: string): Json {
  return { item: { path, bytes: 0 }, shared: { ...place } };
}

/** What a reviewer wrote for one file. */
export async function findingsOf(
  agent: (input: Json, context: AgentContext) => Promise<Json>,
  place: Workplace,
  path: string,
): Promise<readonly Finding[]> {
  await agent(taskFor(place, path), agentContext());
  return (await readAllFindings(place.runFolder)).flatMap((file) => file.findings);
}

export const places = (findings: readonly Finding[]): string[] =>
  findings.map(({ file, line, rule, severity }) => `${file}:${line} ${rule} ${severity}`);

export async function collectInto(runFolder: string, findings: readonly Finding[]): Promise<void> {
  await writeJson(runFiles.collected(runFolder), merge(findings));
}

/** A folder as data: every name with its kind, its permissions and its bytes. */
export async function treeOf(folder: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return { '.': 'absent' };
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const mode = (await lstat(path)).mode.toString(8);
    let content = '';
    if (entry.isSymbolicLink()) content = await readlink(path);
    else if (entry.isFile()) content = (await readFile(path)).toString('base64');
    tree[path.slice(folder.length + 1)] = `${mode} ${content}`;
  }
  return tree;
}
