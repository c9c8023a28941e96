// What makes a trace hard to read in Jaeger, as data: each rule is something its UI or its critical path gets wrong.

import { ATTR, LINK_LIMIT, MAX_GATHER_LINKS } from './names.ts';
import { type FlatSpan, OTLP_KIND } from './otlp.ts';

export { type FlatSpan, parseTraceLines, readTraceFile } from './otlp.ts';

/** What makes a trace hard to read. */
export type Rule =
  /** Drawn as an orphan, outside the tree. */
  | 'unresolved-parent'
  /** What one actor and its agents did lies in more than one trace. */
  | 'several-traces'
  /** A second root without a link to what it continues. */
  | 'unlinked-root'
  /** The critical path leaves a child out that starts when its parent is over. */
  | 'starts-after-parent'
  | 'ends-before-start'
  /** Below PRODUCER -> CONSUMER nothing counts as waited for. */
  | 'task-not-waited-for'
  | 'too-many-links'
  /** The SDK cut links, attributes or events. */
  | 'cut-by-limits'
  /** A gather links to each accepted reply, or to the first 128. */
  | 'gather-links-missing'
  | 'unresolved-link'
  /** The UI renames the second span of an id. */
  | 'duplicate-id';

/** One span that breaks a rule. */
export interface Finding {
  readonly rule: Rule;
  readonly spanId: string;
  readonly name: string;
  readonly message: string;
}

/** Clocks of processes on one host, and ms beside ns: what may look like a child before or after its parent. */
const CLOCK_TOLERANCE_NS = 5_000_000n;

/**
 * Checks the spans of one trace file, or of several of one trace, for what makes a trace hard to read.
 *
 * @returns The findings; none for a trace that Jaeger shows well.
 */
export function lintTrace(spans: readonly FlatSpan[], linkLimit = LINK_LIMIT): Finding[] {
  const byId = new Map(spans.map((span) => [idOf(span), span]));
  return [
    ...spans.flatMap((span) => lintSpan(span, byId, linkLimit)),
    ...lintDuplicates(spans),
    ...lintRoots(spans),
    ...lintTraceIds(spans),
  ];
}

function idOf({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): string {
  return `${traceId}/${spanId}`;
}

function found(rule: Rule, { spanId, name }: FlatSpan, message: string): Finding {
  return { rule, spanId, name, message };
}

function lintSpan(span: FlatSpan, byId: ReadonlyMap<string, FlatSpan>, linkLimit: number): Finding[] {
  const findings: Finding[] = [];
  const add = (rule: Rule, message: string): number => findings.push(found(rule, span, message));
  if (span.end < span.start) add('ends-before-start', `by ${span.start - span.end} ns`);
  if (span.dropped > 0) add('cut-by-limits', `${span.dropped} links, attributes or events`);
  if (span.links.length > linkLimit) add('too-many-links', `${span.links.length}, the limit is ${linkLimit}`);
  for (const link of span.links) {
    if (!byId.has(idOf(link))) add('unresolved-link', `links to ${idOf(link)}`);
  }
  const accepted = Number(span.attributes[ATTR.ok] ?? 0);
  const wanted = Math.min(accepted, MAX_GATHER_LINKS);
  if (span.name.startsWith('gather ') && span.links.length < wanted) {
    add('gather-links-missing', `${span.links.length} links for ${accepted} accepted replies`);
  }
  if (span.parentSpanId === undefined) return findings;
  const parent = byId.get(idOf({ traceId: span.traceId, spanId: span.parentSpanId }));
  if (parent === undefined) {
    add('unresolved-parent', `its parent ${span.parentSpanId} is not there`);
    return findings;
  }
  const detached = parent.kind === OTLP_KIND.producer && span.kind === OTLP_KIND.consumer;
  if (detached && span.attributes[ATTR.execution] !== undefined) {
    add('task-not-waited-for', `is a task below the PRODUCER "${parent.name}"`);
  }
  if (!detached && span.start > parent.end + CLOCK_TOLERANCE_NS) {
    add('starts-after-parent', `${(span.start - parent.end) / 1_000_000n} ms after "${parent.name}" ended`);
  }
  return findings;
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

/** An episode of a long saga is a root span, and says by a link what it continues. */
function lintRoots(spans: readonly FlatSpan[]): Finding[] {
  const roots = Map.groupBy(
    spans.filter((span) => span.parentSpanId === undefined),
    (span) => span.traceId,
  );
  return [...roots.values()].flatMap((list) => {
    const [, ...others] = list.toSorted((a, b) => Number(a.start - b.start));
    const unlinked = others.filter((span) => span.links.length === 0);
    return unlinked.map((span) =>
      found('unlinked-root', span, 'a further root of its trace, without a link'),
    );
  });
}

/** A client's later call to an actor (CLIENT) is another trace, to which the actor's spans link. */
function lintTraceIds(spans: readonly FlatSpan[]): Finding[] {
  const done = spans.filter(({ kind }) => kind === OTLP_KIND.internal || kind === OTLP_KIND.consumer);
  const actors = Map.groupBy(done, ({ attributes }) => attributes[ATTR.actor]);
  actors.delete(undefined);
  return [...actors].flatMap(([actor, list]) => {
    const [home, ...strays] = [...Map.groupBy(list, ({ traceId }) => traceId).values()].toSorted(
      (a, b) => b.length - a.length,
    );
    return strays.flatMap(([stray]) =>
      home === undefined || stray === undefined
        ? []
        : [found('several-traces', stray, `lies in another trace than most spans of ${String(actor)}`)],
    );
  });
}
