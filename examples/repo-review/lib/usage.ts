// What a run has spent: repeated attempts and model calls, one file a task in the run folder.
import { appendFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentContext } from 'quorate';
import { runFiles } from './run-folder.ts';

export interface Spent {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** One line per event, appended: a model call that was paid counts even when its attempt failed afterwards. */
type UsageLine =
  | { readonly kind: 'attempt'; readonly attempt: number }
  | ({ readonly kind: 'modelCall' } & Spent);

async function recordUsage(run: string, key: string, line: UsageLine): Promise<void> {
  await mkdir(runFiles.usage(run), { recursive: true });
  await appendFile(
    join(runFiles.usage(run), `${encodeURIComponent(key)}.jsonl`),
    `${JSON.stringify(line)}\n`,
  );
}

export async function recordSpent(run: string, key: string, spent: Spent): Promise<void> {
  await recordUsage(run, key, { kind: 'modelCall', ...spent });
}

/** Attempts after the first are repeats; the first needs no line. */
export async function countAttempt(
  run: string,
  context: Pick<AgentContext, 'key' | 'attempt'>,
): Promise<void> {
  if (context.attempt > 1) await recordUsage(run, context.key, { kind: 'attempt', attempt: context.attempt });
}

export interface Usage {
  readonly repeated: number;
  readonly modelCalls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export async function readUsage(run: string): Promise<Usage> {
  const total = { repeated: 0, modelCalls: 0, promptTokens: 0, completionTokens: 0 };
  const names = await readdir(runFiles.usage(run)).catch(() => []);
  for (const name of names) {
    let attempts = 1;
    for (const text of (await readFile(join(runFiles.usage(run), name), 'utf8')).split('\n')) {
      const line = parseUsage(text);
      if (line?.kind === 'attempt') attempts = Math.max(attempts, line.attempt);
      if (line?.kind === 'modelCall') {
        total.modelCalls += 1;
        total.promptTokens += line.promptTokens;
        total.completionTokens += line.completionTokens;
      }
    }
    total.repeated += attempts - 1;
  }
  return total;
}

/** A crash can tear the last line; the call it tells of is then not counted. */
function parseUsage(text: string): UsageLine | undefined {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as UsageLine;
  } catch {
    return undefined;
  }
}
