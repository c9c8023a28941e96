// Secrets and risky calls, line by line. What it finds never leaves it: excerpts are redacted.
import type { AgentContext, Json } from 'quorate';
import { answer, readTask, readText } from '../lib/review-file.ts';
import { findRiskyCalls } from '../lib/risky-calls.ts';
import { asJson } from '../lib/run-folder.ts';
import { excerptsOf, findSecrets } from '../lib/secret-patterns.ts';
import type { Finding } from '../protocol.ts';

/** Generated lists of checksums. */
const LOCK_FILE =
  /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|[\w-]+\.lock|go\.sum)$/;

export function lookForSecrets(path: string, text: string): Omit<Finding, 'file' | 'agent'>[] {
  if (LOCK_FILE.test(path)) return [];
  const excerpt = excerptsOf(text);
  return text.split('\n').flatMap((line, index) => {
    const hits = [...findSecrets(line), ...findRiskyCalls(path, line)];
    if (hits.length === 0) return [];
    return hits.map(({ rule, severity, message }) => ({
      line: index + 1,
      rule,
      severity,
      message,
      excerpt: excerpt(line),
    }));
  });
}

export async function secrets(input: Json, context: AgentContext): Promise<Json> {
  const task = readTask(input);
  const text = await readText(task.path);
  return asJson(await answer(task, 'secrets', lookForSecrets(task.file.path, text ?? ''), context));
}
