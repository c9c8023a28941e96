// What makes a trace hard to read in Jaeger, as data: each rule is something that its page or its critical path gets wrong.

import { ATTR, MAX_LINKS, SCOPE } from './names.ts';
import { type FlatSpan, OTLP_KIND } from './otlp.ts';

export { criticalPath, type PathSection } from './critical-path.ts';
export { type FlatSpan, parseTraceLines, readTraceFile } from './otlp.ts';

/** What makes a trace hard to read. */
export type Rule =
  /** Drawn as an orphan, outside the tree. */
  | 'unresolved-parent'
  /** What one actor did while it lived lies in more than one trace. */
  | 'several-traces'
  /** The page computes a path for each root, Jaeger's tools for models for one of them: which one is chance. */
  | 'second-root'
  /** The critical path leaves out or cuts what begins before or ends after its parent. */
  | 'outside-parent'
  | 'ends-before-start'
  /** Of two that follow each other, the path loses the first where it ends when the second begins. */
  | 'equal-stamps'
  /** The same, where what it caused had begun before it ended. */
  | 'hides-its-cause'
  /** Below PRODUCER -> CONSUMER nothing counts as waited for. */
  | 'task-not-waited-for'
  | 'too-many-links'
  /** The SDK cut links, attributes or events. */
  | 'cut-by-limits'
  /** A gather links to each accepted reply, or to the first 100. */
  | 'gather-links-missing'
  | 'unresolved-link'
  /** Jaeger takes it for what follows its parent, and not for its child. */
  | 'links-to-parent'
  /** The UI renames the second span of an id. */
  | 'duplicate-id'
  /** Without the host's name Jaeger takes each process for a machine of its own and warns of clocks. */
  | 'host-name-missing'
  /** Red is what a search for errors finds. */
  | 'failure-not-red'
  /** Red, and neither a code nor a message says why. */
  | 'failure-unexplained'
  /** One span that nothing leads to, and that leads to nothing. */
  | 'stray-trace';

/** One span that breaks a rule. */
export interface Finding {
  readonly rule: Rule;
  readonly spanId: string;
  readonly name: string;
  readonly message: string;
}

/** SDKs stamp the start of a span in whole ms and its end by another clock: between theirs and ours this much is no fault. */
const SDK_TOLERANCE_NS = 1_000_000n;
/** Clocks of two machines, kept by NTP. */
const HOSTS_TOLERANCE_NS = 5_000_000n;

const FAILURES: ReadonlySet<unknown> = new Set(['error', 'failed']);

/**
 * Checks the spans of one trace file, or of several of one run, for what makes a trace hard to read.
 *
 * @returns The findings; none for a trace that Jaeger shows well.
 */
export function lintTrace(spans: readonly FlatSpan[], linkLimit = MAX_LINKS): Finding[] {
  const byId = new Map(spans.map((span) => [idOf(span), span]));
  const lost = lostWaiters(spans, byId);
  return [
    ...spans.flatMap((span) => [
      ...lintSpan(span, linkLimit),
      ...lintFailure(span),
      ...lintPlace(span, byId, lost),
      ...lintLinks(span, byId, lost),
    ]),
    ...lintDuplicates(spans),
    ...lintRoots(spans),
    ...lintTraceIds(spans),
    ...lintSiblings(spans),
    ...lintStrays(spans),
  ];
}

function idOf({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): string {
  return `${traceId}/${spanId}`;
}

function found(rule: Rule, { spanId, name }: FlatSpan, message: string): Finding {
  return { rule, spanId, name, message };
}

function lintSpan(span: FlatSpan, linkLimit: number): Finding[] {
  const findings: Finding[] = [];
  const add = (rule: Rule, message: string): number => findings.push(found(rule, span, message));
  if (span.end < span.start) add('ends-before-start', `by ${span.start - span.end} ns`);
  if (span.dropped > 0) add('cut-by-limits', `${span.dropped} links, attributes or events`);
  if (span.links.length > linkLimit) add('too-many-links', `${span.links.length}, the limit is ${linkLimit}`);
  if (span.host === '') add('host-name-missing', `the resource of ${span.service} has no host.name`);
  const accepted = Number(span.attributes[ATTR.ok] ?? 0);
  const wanted = Math.min(accepted, MAX_LINKS);
  if (span.name.startsWith('gather ') && span.links.length < wanted) {
    add('gather-links-missing', `${span.links.length} links for ${accepted} accepted replies`);
  }
  return findings;
}

function lintFailure(span: FlatSpan): Finding[] {
  const { [ATTR.outcome]: outcome, [ATTR.errorType]: type } = span.attributes;
  if (!span.failed)
    return FAILURES.has(outcome) || type !== undefined
      ? [found('failure-not-red', span, `its outcome is ${String(outcome ?? type)}`)]
      : [];
  const isExplained = type !== undefined && span.message !== undefined && span.message !== '';
  return span.scope === SCOPE && !isExplained
    ? [found('failure-unexplained', span, 'it has no error.type, or its status no message')]
    : [];
}

function lintLinks(
  span: FlatSpan,
  byId: ReadonlyMap<string, FlatSpan>,
  lost: ReadonlySet<string>,
): Finding[] {
  const toParent = span.links.some(
    ({ traceId, spanId }) => traceId === span.traceId && spanId === span.parentSpanId,
  );
  const unresolved = span.links
    .filter((link) => !byId.has(idOf(link)) && !lost.has(idOf(link)))
    .map((link) => found('unresolved-link', span, `links to ${idOf(link)}`));
  return toParent
    ? [...unresolved, found('links-to-parent', span, 'links to the span that it hangs under')]
    : unresolved;
}

/** Where a span hangs, and whether its parent's time holds it. */
function lintPlace(
  span: FlatSpan,
  byId: ReadonlyMap<string, FlatSpan>,
  lost: ReadonlySet<string>,
): Finding[] {
  if (span.parentSpanId === undefined) return [];
  const parentId = idOf({ traceId: span.traceId, spanId: span.parentSpanId });
  const parent = byId.get(parentId);
  if (parent === undefined)
    return lost.has(parentId)
      ? []
      : [found('unresolved-parent', span, `its parent ${span.parentSpanId} is not there`)];
  const detached = isDetached(span, parent);
  const findings: Finding[] = [];
  // Who let go of a task waits for it no more.
  if (detached && isExecution(span) && parent.attributes[ATTR.outcome] !== 'missing')
    findings.push(found('task-not-waited-for', span, `is a task below the PRODUCER "${parent.name}"`));
  if (detached || isBelowDetached(parent, byId)) return findings;
  const tolerance = toleranceBetween(span, parent);
  if (span.start + tolerance < parent.start)
    findings.push(
      found('outside-parent', span, `begins ${text(parent.start - span.start)} before "${parent.name}"`),
    );
  // A waiter that gave up is over before what it waited for.
  if (span.end > parent.end + tolerance && !hasGivenUp(parent))
    findings.push(
      found('outside-parent', span, `ends ${text(span.end - parent.end)} after "${parent.name}"`),
    );
  return findings;
}

function text(ns: bigint): string {
  return `${Number(ns) / 1_000} µs`;
}

function toleranceBetween(one: FlatSpan, other: FlatSpan): bigint {
  if (one.host !== other.host) return HOSTS_TOLERANCE_NS;
  return one.scope === SCOPE && other.scope === SCOPE ? 0n : SDK_TOLERANCE_NS;
}

/** Who waited for an actor died before its span was over: the actor says itself that it has started. */
function lostWaiters(spans: readonly FlatSpan[], byId: ReadonlyMap<string, FlatSpan>): ReadonlySet<string> {
  const started = spans.filter(({ name }) => /^actor .* started$/.test(name));
  const waiters = started.flatMap(({ traceId, parentSpanId = '', name }) => {
    const actor = byId.get(idOf({ traceId, spanId: parentSpanId }));
    if (actor?.parentSpanId === undefined || name !== `${actor.name} started`) return [];
    return [idOf({ traceId, spanId: actor.parentSpanId })];
  });
  return new Set(waiters.filter((id) => !byId.has(id)));
}

const GIVEN_UP: ReadonlySet<unknown> = new Set(['RESULT_TIMEOUT', 'ABORTED', 'CONNECTION_FAILED']);

function hasGivenUp({ kind, failed, attributes }: FlatSpan): boolean {
  return kind === OTLP_KIND.client && failed && GIVEN_UP.has(attributes[ATTR.errorType]);
}

function isExecution({ attributes }: FlatSpan): boolean {
  return attributes[ATTR.execution] !== undefined;
}

function isDetached(span: FlatSpan, parent: FlatSpan): boolean {
  return parent.kind === OTLP_KIND.producer && span.kind === OTLP_KIND.consumer;
}

function isBelowDetached(span: FlatSpan, byId: ReadonlyMap<string, FlatSpan>): boolean {
  let at: FlatSpan | undefined = span;
  for (const seen = new Set<FlatSpan>(); at?.parentSpanId !== undefined && !seen.has(at); ) {
    seen.add(at);
    const parent: FlatSpan | undefined = byId.get(idOf({ traceId: at.traceId, spanId: at.parentSpanId }));
    if (parent !== undefined && isDetached(at, parent)) return true;
    at = parent;
  }
  return false;
}

function lintDuplicates(spans: readonly FlatSpan[]): Finding[] {
  const seen = new Set<string>();
  return spans.flatMap((span) => {
    const id = idOf(span);
    if (seen.has(id)) return [found('duplicate-id', span, 'another span has its id')];
    seen.add(id);
    return [];
  });
}

function lintRoots(spans: readonly FlatSpan[]): Finding[] {
  const roots = Map.groupBy(
    spans.filter((span) => span.parentSpanId === undefined),
    (span) => span.traceId,
  );
  return [...roots.values()].flatMap((list) => {
    const [, ...others] = list.toSorted((a, b) => Number(a.start - b.start));
    return others.map((span) => found('second-root', span, 'a further root of its trace'));
  });
}

/**
 * A client's call to an actor is in the client's trace, and what comes when the actor is over in one of its own: both link to it.
 */
function lintTraceIds(spans: readonly FlatSpan[]): Finding[] {
  const byTrace = Map.groupBy(spans, ({ traceId }) => traceId);
  const done = spans.filter(({ kind }) => kind === OTLP_KIND.internal || kind === OTLP_KIND.consumer);
  const actors = Map.groupBy(done, ({ attributes }) => attributes[ATTR.actor]);
  actors.delete(undefined);
  return [...actors].flatMap(([actor, list]) => {
    const [home, ...strays] = [...Map.groupBy(list, ({ traceId }) => traceId).values()].toSorted(
      (a, b) => b.length - a.length,
    );
    const leadsHome = (traceId: string): boolean =>
      (byTrace.get(traceId) ?? []).some(({ links }) =>
        links.some((link) => link.traceId === home?.[0]?.traceId),
      );
    return strays.flatMap(([stray]) =>
      home === undefined || stray === undefined || leadsHome(stray.traceId)
        ? []
        : [found('several-traces', stray, `lies in another trace than most spans of ${String(actor)}`)],
    );
  });
}

const US = 1_000n;

function lintSiblings(spans: readonly FlatSpan[]): Finding[] {
  const families = Map.groupBy(
    spans.filter(({ parentSpanId }) => parentSpanId !== undefined),
    ({ traceId, parentSpanId }) => `${traceId}/${parentSpanId}`,
  );
  return [...families.values()].flatMap((siblings) => [...equalStamps(siblings), ...hiddenCauses(siblings)]);
}

/** In µs, as Jaeger keeps them. */
function equalStamps(siblings: readonly FlatSpan[]): Finding[] {
  const ends = new Map(siblings.map((span) => [span.end / US, span]));
  return siblings.flatMap((span) => {
    const before = ends.get(span.start / US);
    return before === undefined || before === span
      ? []
      : [found('equal-stamps', before, `ends in the µs in which "${span.name}" begins`)];
  });
}

/** The id of an execution begins with the turn that opened it. */
function hiddenCauses(siblings: readonly FlatSpan[]): Finding[] {
  const executions = siblings.filter((span) => isExecution(span) && span.attributes[ATTR.turn] !== undefined);
  return executions.flatMap((caused) => {
    const openedBy = Number.parseInt(String(caused.attributes[ATTR.execution]), 10);
    const hidden = executions.filter(
      (one) =>
        one !== caused &&
        Number(one.attributes[ATTR.turn]) <= openedBy &&
        one.start < caused.start &&
        one.end >= caused.start,
    );
    return hidden.map((one) => found('hides-its-cause', one, `ends behind the start of "${caused.name}"`));
  });
}

function lintStrays(spans: readonly FlatSpan[]): Finding[] {
  const linked = new Set(spans.flatMap(({ links }) => links.map(({ traceId }) => traceId)));
  return [...Map.groupBy(spans, ({ traceId }) => traceId).values()].flatMap((list) => {
    const [only] = list;
    if (only === undefined || list.length > 1 || only.links.length > 0 || linked.has(only.traceId)) return [];
    return [found('stray-trace', only, 'alone in its trace, without a link')];
  });
}
