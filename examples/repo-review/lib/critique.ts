// The critic's measure of a plan, from 0 to 1, and what would make it better.
import type { Critique, Finding, Objection, Plan } from '../protocol.ts';
import { MAX_FILES_PER_ITEM, MAX_ITEMS, WEIGHT } from './planning.ts';

const SHARE = { coverage: 0.4, grouping: 0.2, size: 0.2, order: 0.2 } as const;
/** Scores are compared and shown: no digits that only floating point knows. */
const DIGITS = 1_000;

export function critiquePlan(plan: Plan, findings: readonly Finding[]): Critique {
  const feedback: Objection[] = [];
  const parts = {
    coverage: coverage(plan, findings, feedback),
    grouping: grouping(plan, feedback),
    size: size(plan, feedback),
    order: order(plan),
  };
  const score = Object.entries(SHARE).reduce(
    (sum, [part, share]) => sum + share * parts[part as keyof typeof parts],
    0,
  );
  return { score: Math.round(score * DIGITS) / DIGITS, feedback };
}

/** Nothing of high severity may be left out. */
function coverage(plan: Plan, findings: readonly Finding[], feedback: Objection[]): number {
  const high = findings.filter((finding) => finding.severity === 'high');
  const open = high.filter((finding) => !plan.items.some((item) => covers(item, finding)));
  if (open.length === 0) return 1;
  const text = `${open.length} of ${high.length} findings of high severity are in no item`;
  feedback.push({ code: 'UNCOVERED_HIGH', text });
  return 1 - open.length / high.length;
}

const covers = (item: Plan['items'][number], finding: Finding): boolean =>
  item.rules.includes(finding.rule) && item.files.includes(finding.file);

/** The same kind of work belongs together, as far as an item's size allows. */
function grouping(plan: Plan, feedback: Objection[]): number {
  const rules = Map.groupBy(
    plan.items.flatMap((item) => item.rules.map((rule) => ({ rule, files: item.files.length }))),
    ({ rule }) => rule,
  );
  let needless = 0;
  for (const places of rules.values()) {
    const files = places.reduce((sum, place) => sum + place.files, 0);
    needless += Math.max(0, places.length - Math.ceil(files / MAX_FILES_PER_ITEM));
  }
  if (needless === 0) return 1;
  feedback.push({
    code: 'SCATTERED',
    text: `the same kind of work is spread over ${needless} items too many`,
  });
  return 1 - Math.min(1, needless / plan.items.length);
}

function size(plan: Plan, feedback: Objection[]): number {
  const tooMany = plan.items.length > MAX_ITEMS;
  const big = plan.items.filter((item) => item.files.length > MAX_FILES_PER_ITEM).length;
  if (tooMany)
    feedback.push({ code: 'TOO_MANY_ITEMS', text: `${plan.items.length} items; ${MAX_ITEMS} at most` });
  if (big > 0) {
    feedback.push({ code: 'ITEM_TOO_BIG', text: `${big} items touch more than ${MAX_FILES_PER_ITEM} files` });
  }
  return (tooMany ? MAX_ITEMS / plan.items.length : 1) * (1 - big / Math.max(1, plan.items.length));
}

/** Severe work goes early: the discounted sum of the items' weights, against the best order of the same items. */
function order(plan: Plan): number {
  const weights = plan.items.map((item) => WEIGHT[item.severity]);
  const gain = (list: readonly number[]): number =>
    list.reduce((sum, weight, index) => sum + weight / Math.log2(index + 2), 0);
  const best = gain([...weights].sort((a, b) => b - a));
  return best === 0 ? 1 : gain(weights) / best;
}
