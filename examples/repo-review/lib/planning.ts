// From findings to ranked work. Planners differ in how they group and order; coverage and counts are worked out here.
import type { Effort, Finding, Objection, Plan, Severity, WorkItem } from '../protocol.ts';
import { SEVERITIES } from '../protocol.ts';
import { workOf } from './rules.ts';

export const MAX_ITEMS = 12;
export const MAX_FILES_PER_ITEM = 25;
/** Planners start with fewer than the limit: a plan that a person keeps in mind. */
const FIRST_ITEMS = 10;

export const WEIGHT: Record<Severity, number> = { high: 100, medium: 10, low: 1 };
const SMALL_MINUTES = 60;
const MEDIUM_MINUTES = 240;

/** What a plan item claims: the findings of these rules in these files. */
export interface Claim {
  readonly title: string;
  readonly rules: readonly string[];
  readonly files: readonly string[];
  readonly effort?: Effort;
  readonly why?: string;
}

export interface Group extends Claim {
  readonly findings: readonly Finding[];
}

export interface Strategy {
  readonly planner: string;
  /** How findings become items at first; after SCATTERED it is by rule for everybody. */
  readonly groupBy: 'rule-and-file' | 'file';
  /** Larger is earlier. */
  readonly value: (group: Group) => number;
}

export const weightOf = (findings: readonly Finding[]): number =>
  findings.reduce((sum, finding) => sum + WEIGHT[finding.severity], 0);

export const minutesOf = (findings: readonly Finding[]): number =>
  findings.reduce((sum, finding) => sum + workOf(finding.rule).minutes, 0);

export function worst(findings: readonly Finding[]): Severity {
  return SEVERITIES.find((severity) => findings.some((finding) => finding.severity === severity)) ?? 'low';
}

/** A plan that heeds what was objected to so far. */
export function makePlan(
  strategy: Strategy,
  findings: readonly Finding[],
  heeded: ReadonlySet<Objection['code']>,
): Plan {
  const byRule = heeded.has('SCATTERED');
  const groups = groupFindings(findings, byRule ? 'rule' : strategy.groupBy);
  let ranked = groups.sort((a, b) => strategy.value(b) - strategy.value(a) || (a.title < b.title ? -1 : 1));
  if (heeded.has('ITEM_TOO_BIG')) ranked = ranked.flatMap(split);
  const kept = ranked.filter((group, index) => {
    const needed = heeded.has('UNCOVERED_HIGH') && worst(group.findings) === 'high';
    return index < FIRST_ITEMS || needed;
  });
  return rankClaims(strategy.planner, heeded.has('TOO_MANY_ITEMS') ? sweep(kept) : kept, findings);
}

/** Each finding belongs to the first item that claims it; items that are left with nothing fall away. */
export function rankClaims(planner: string, claims: readonly Claim[], findings: readonly Finding[]): Plan {
  let left = findings;
  const items: WorkItem[] = [];
  for (const claim of claims) {
    const [rules, files] = [new Set(claim.rules), new Set(claim.files)];
    const claimed = left.filter((finding) => rules.has(finding.rule) && files.has(finding.file));
    if (claimed.length === 0) continue;
    left = left.filter((finding) => !(rules.has(finding.rule) && files.has(finding.file)));
    items.push({
      rank: items.length + 1,
      title: claim.title,
      rules: unique(claimed.map((finding) => finding.rule)),
      files: worstFirst(claimed),
      findings: claimed.length,
      severity: worst(claimed),
      effort: claim.effort ?? effortOf(claimed),
      why: claim.why ?? reason(claimed),
    });
  }
  return { planner, items };
}

export function groupFindings(findings: readonly Finding[], by: 'rule' | Strategy['groupBy']): Group[] {
  const keyOf = (finding: Finding): string => {
    if (by === 'rule') return finding.rule;
    return by === 'file' ? finding.file : `${finding.rule}\0${finding.file}`;
  };
  const members = Map.groupBy(findings, keyOf);
  return [...members.values()].map((group) => {
    const rules = unique(group.map((finding) => finding.rule));
    const files = unique(group.map((finding) => finding.file));
    const subject = by === 'file' ? `Tidy up ${files[0] ?? ''}` : workOf(rules[0] ?? '').title;
    return {
      title: by === 'rule-and-file' ? `${subject} in ${files[0] ?? ''}` : subject,
      rules,
      files,
      findings: group,
    };
  });
}

/** The files with the worst findings first. What is beyond the first part waits, unless it holds high severity. */
function split(group: Group): Group[] {
  const total = group.files.length;
  if (total <= MAX_FILES_PER_ITEM) return [group];
  const files = worstFirst(group.findings);
  const byFile = Map.groupBy(group.findings, (finding) => finding.file);
  const parts: Group[] = [];
  for (let first = 0; first < total; first += MAX_FILES_PER_ITEM) {
    const mine = files.slice(first, first + MAX_FILES_PER_ITEM);
    const findings = mine.flatMap((file) => byFile.get(file) ?? []);
    if (first > 0 && worst(findings) !== 'high') continue;
    const last = first + mine.length;
    const which = first === 0 ? `the worst ${last}` : `${first + 1} to ${last}`;
    parts.push({ ...group, title: `${group.title}: ${which} of ${total} files`, files: mine, findings });
  }
  return parts;
}

/** The files of these findings, by weight, then by name. */
function worstFirst(findings: readonly Finding[]): string[] {
  const files = [...Map.groupBy(findings, (finding) => finding.file)];
  const weighed = files.map(([file, list]) => ({ file, weight: weightOf(list) }));
  return weighed.sort((a, b) => b.weight - a.weight || (a.file < b.file ? -1 : 1)).map(({ file }) => file);
}

/** The tail of a long list as one item, so that nothing of it is lost. */
function sweep(groups: readonly Group[]): readonly Group[] {
  if (groups.length <= MAX_ITEMS) return groups;
  const tail = groups.slice(MAX_ITEMS - 1).flatMap((group) => group.findings);
  const rules = unique(tail.map((finding) => finding.rule));
  const files = unique(tail.map((finding) => finding.file));
  return [
    ...groups.slice(0, MAX_ITEMS - 1),
    { title: 'Sweep up what is left', rules, files, findings: tail },
  ];
}

function effortOf(findings: readonly Finding[]): Effort {
  const minutes = minutesOf(findings);
  if (minutes <= SMALL_MINUTES) return 'S';
  return minutes <= MEDIUM_MINUTES ? 'M' : 'L';
}

function reason(findings: readonly Finding[]): string {
  const severity = worst(findings);
  const first = findings.find((finding) => finding.severity === severity) ?? findings[0];
  if (first === undefined) return '';
  const count = findings.filter((finding) => finding.severity === severity).length;
  return `${count} of ${severity} severity, the first at ${first.file}:${first.line}: ${workOf(first.rule).why}.`;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
