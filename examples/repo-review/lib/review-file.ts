// The frame of a reviewer that reads one file: find it, read it, look at it, write down what was found.
import { stat } from 'node:fs/promises';
import type { AgentContext, Json } from 'quorate';
import type { Finding, Reviewer, ReviewFile, ReviewReply, Workplace } from '../protocol.ts';
import { Failure } from './failure.ts';
import { inside, MAX_FILE_BYTES, readIfThere } from './files.ts';
import { writeFindings } from './run-folder.ts';

/** More of one kind in one file is one problem, not a hundred. */
const MAX_FINDINGS_PER_TASK = 100;

export interface ReviewTask {
  readonly file: ReviewFile;
  readonly place: Workplace;
  readonly path: string;
}

export function readTask(input: Json): ReviewTask {
  const { item, shared } = input as unknown as { item: ReviewFile; shared: Workplace };
  const path = inside(shared.root, item.path);
  if (path === undefined)
    throw new Failure('INPUT_INVALID', `${item.path} lies outside of the folder under review`);
  return { file: item, place: shared, path };
}

/** The text as it is now; undefined when the file went away or grew too large since the scan. */
export async function readText(path: string): Promise<string | undefined> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => Number.POSITIVE_INFINITY,
  );
  if (size > MAX_FILE_BYTES) return undefined;
  return (await readIfThere(path))?.toString('utf8');
}

export async function answer(
  task: ReviewTask,
  agent: Reviewer,
  findings: readonly Omit<Finding, 'file' | 'agent'>[],
  context: Pick<AgentContext, 'key' | 'attempt'>,
): Promise<ReviewReply> {
  const whole = [...findings]
    .sort((a, b) => a.line - b.line || a.rule.localeCompare(b.rule, 'en'))
    .slice(0, MAX_FINDINGS_PER_TASK)
    .map((finding): Finding => ({ file: task.file.path, agent, ...finding }));
  return writeFindings(task.place.runFolder, agent, task.file, whole, context);
}
