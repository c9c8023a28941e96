// What a model is told. Excerpts stay out: rules, places and counts are enough to plan with.
import type { Finding, Objection, Plan } from '../protocol.ts';
import { groupFindings, MAX_FILES_PER_ITEM, MAX_ITEMS, worst } from './planning.ts';
import { workOf } from './rules.ts';

const FILES_SHOWN_A_RULE = 40;
const HIGH_SHOWN = 100;

export interface Prompt {
  readonly system: string;
  readonly user: string;
}

export function planPrompt(
  aim: string,
  findings: readonly Finding[],
  objections: readonly Objection[],
  previous: Plan | undefined,
): Prompt {
  const system = [
    `You plan the clean-up of a source repository. Aim: ${aim}`,
    `Group findings into at most ${MAX_ITEMS} work items of at most ${MAX_FILES_PER_ITEM} files, most urgent first.`,
    'Every finding of high severity must be covered. Use only the rules and files that you are given.',
    'Answer with JSON: {"items":[{"title":string,"rules":[string],"files":[string],"effort":"S"|"M"|"L","why":string}]}',
  ].join('\n');
  const user = JSON.stringify({ findings: summarize(findings), previous, objections });
  return { system, user };
}

export function criticPrompt(
  plan: Plan,
  findings: readonly Finding[],
  measured: readonly Objection[],
): Prompt {
  const system = [
    'You judge a plan for the clean-up of a source repository: coverage of findings of high severity, grouping of',
    `like work, at most ${MAX_ITEMS} items of at most ${MAX_FILES_PER_ITEM} files, urgent work first.`,
    'Codes: UNCOVERED_HIGH, SCATTERED, TOO_MANY_ITEMS, ITEM_TOO_BIG, OTHER.',
    'Answer with JSON: {"score":number from 0 to 1,"feedback":[{"code":string,"text":string}]}',
  ].join('\n');
  const high = findings.filter((finding) => finding.severity === 'high').slice(0, HIGH_SHOWN);
  const shown = high.map(({ rule, file }) => ({ rule, file }));
  return { system, user: JSON.stringify({ plan, findings: summarize(findings), high: shown, measured }) };
}

function summarize(findings: readonly Finding[]): object[] {
  return groupFindings(findings, 'rule').map((group) => {
    const rule = group.rules[0] ?? '';
    const files = group.files.slice(0, FILES_SHOWN_A_RULE);
    const { title, why } = workOf(rule);
    return { rule, title, why, severity: worst(group.findings), count: group.findings.length, files };
  });
}
