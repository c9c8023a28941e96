// The critical path of a trace as Jaeger computes it (packages/jaeger-ui, CriticalPath), so that a test can hold a trace to what a
// reader will see: from the root to the child that finished last, and back from its start to the one that ended before it.
import { type FlatSpan, OTLP_KIND } from './otlp.ts';

/** A piece of the path: so long nothing else than this span, by itself, kept the root from its end. */
export interface PathSection {
  readonly span: FlatSpan;
  /** Epoch ns. */
  readonly start: bigint;
  readonly end: bigint;
}

interface Node {
  readonly span: FlatSpan;
  readonly start: bigint;
  readonly end: bigint;
  readonly children: readonly Node[];
}

/**
 * The critical path of one trace.
 *
 * @param spans Of the trace. Its root is the first span without a parent; without one there is no path, as in Jaeger.
 * @returns The sections of the path, the last one first.
 */
export function criticalPath(spans: readonly FlatSpan[]): PathSection[] {
  const root = spans.find(({ parentSpanId }) => parentSpanId === undefined);
  if (root === undefined) return [];
  const children = Map.groupBy(spans, ({ parentSpanId }) => parentSpanId);
  const sections: PathSection[] = [];
  walk(toNode(root, children), undefined, sections);
  return sections;
}

/** What begins outside its parent is left out with all below it, what ends outside is cut. */
function toNode(
  span: FlatSpan,
  all: ReadonlyMap<string | undefined, readonly FlatSpan[]>,
  start = span.start,
  end = span.end,
): Node {
  const children = (all.get(span.spanId) ?? []).flatMap((child) => {
    const isDetached = span.kind === OTLP_KIND.producer && child.kind === OTLP_KIND.consumer;
    if (isDetached || child.start >= end || child.end <= start) return [];
    const from = child.start < start ? start : child.start;
    return [toNode(child, all, from, child.end > end ? end : child.end)];
  });
  return { span, start, end, children };
}

function walk(
  { span, start, end, children }: Node,
  until: bigint | undefined,
  sections: PathSection[],
): void {
  const last = lastBefore(children, until);
  const to = until ?? end;
  if (last === undefined) {
    sections.push({ span, start, end: to });
    return;
  }
  if (to > last.end) sections.push({ span, start: last.end, end: to });
  walk(last, undefined, sections);
  if (children.some((child) => child.end < last.start))
    return walk({ span, start, end, children }, last.start, sections);
  if (last.start > start) sections.push({ span, start, end: last.start });
}

/** The one that finished last, of those that ended strictly before `until`. */
function lastBefore(children: readonly Node[], until: bigint | undefined): Node | undefined {
  let last: Node | undefined;
  for (const child of children) {
    if (until !== undefined && child.end >= until) continue;
    if (last === undefined || child.end > last.end) last = child;
  }
  return last;
}
