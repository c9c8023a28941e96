// Complex, long and deeply nested functions. Runs in worker threads: parsing is what keeps a processor busy.
import type { Json } from 'quorate';
import { type MeasuredFunction, measureFunctions } from '../lib/functions.ts';
import { answer, readTask, readText } from '../lib/review-file.ts';
import { asJson } from '../lib/run-folder.ts';
import type { Finding, Severity } from '../protocol.ts';

type Grades = readonly (readonly [limit: number, severity: Severity])[];

/** The first limit that is passed gives the severity. */
const COMPLEXITY: Grades = [
  [25, 'high'],
  [15, 'medium'],
  [10, 'low'],
];
const LINES: Grades = [
  [150, 'medium'],
  [80, 'low'],
];
const DEPTH: Grades = [
  [6, 'medium'],
  [4, 'low'],
];

/** A suite of tests is a list, not a function. */
const SUITE = /^callback of (?:describe|suite)$/;
const SCRIPT = /\.[cm]?[jt]sx?$/;

export function lookForComplexity(path: string, text: string): Omit<Finding, 'file' | 'agent'>[] {
  if (!SCRIPT.test(path)) return [];
  const measured = measureFunctions(path, text);
  if (measured.kind === 'unparsable') {
    const message = 'The parser gave up here: nothing of this file was measured';
    return [{ line: measured.line, rule: 'unparsable', severity: 'low', message }];
  }
  return measured.functions.flatMap((one) => [
    ...grade(
      one,
      'complex-function',
      one.complexity,
      COMPLEXITY,
      (n) => `has a cyclomatic complexity of ${n}`,
    ),
    ...grade(one, 'long-function', SUITE.test(one.name) ? 0 : one.lines, LINES, (n) => `is ${n} lines long`),
    ...grade(one, 'deep-nesting', one.depth, DEPTH, (n) => `nests ${n} blocks deep`),
  ]);
}

function grade(
  { name, line }: MeasuredFunction,
  rule: string,
  value: number,
  grades: Grades,
  says: (value: number) => string,
): Omit<Finding, 'file' | 'agent'>[] {
  const passed = grades.find(([limit]) => value > limit);
  if (passed === undefined) return [];
  const [limit, severity] = passed;
  return [{ line, rule, severity, message: `${name} ${says(value)} (limit ${limit})` }];
}

export async function complexity(
  input: Json,
  context: { readonly key: string; readonly attempt: number },
): Promise<Json> {
  const task = readTask(input);
  const text = await readText(task.path);
  return asJson(await answer(task, 'complexity', lookForComplexity(task.file.path, text ?? ''), context));
}
