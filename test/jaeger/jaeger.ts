// Jaeger's query API: searches as its page makes them, and its traces as the spans that otel/lint takes.
import { z } from 'zod';
import { type FlatSpan, OTLP_KIND } from '../../otel/otlp.ts';

const tag = z.object({ key: z.string(), value: z.union([z.string(), z.number(), z.boolean()]) });
const span = z.object({
  traceID: z.string(),
  spanID: z.string(),
  operationName: z.string(),
  references: z
    .array(z.object({ refType: z.string(), traceID: z.string(), spanID: z.string() }))
    .nullish()
    .transform((list) => list ?? []),
  /** Epoch µs. */
  startTime: z.number(),
  duration: z.number(),
  tags: z.array(tag),
  processID: z.string(),
  warnings: z.array(z.string()).nullish(),
});
const answer = z.object({
  data: z
    .array(
      z.object({
        traceID: z.string(),
        spans: z.array(span),
        processes: z.record(
          z.string(),
          z.object({ serviceName: z.string(), tags: z.array(tag).default([]) }),
        ),
      }),
    )
    .nullish()
    .transform((list) => list ?? []),
});

export interface Search {
  readonly operation?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface JaegerSpan extends FlatSpan {
  /** What Jaeger says of it, such as a clock that it would move. */
  readonly warnings: readonly string[];
}

/** Whether one answers there. */
export async function isListening(base: string): Promise<boolean> {
  try {
    const response = await fetch(`${base}/api/services`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
}

/** The traces that a search finds, whole. */
export async function search(
  base: string,
  service: string,
  { operation, tags }: Search,
): Promise<JaegerSpan[][]> {
  const query = new URLSearchParams({ service, limit: '200', lookback: '1h' });
  if (operation !== undefined) query.set('operation', operation);
  if (tags !== undefined) query.set('tags', JSON.stringify(tags));
  const response = await fetch(`${base}/api/traces?${query.toString()}`);
  if (!response.ok) throw new Error(`Jaeger answered ${response.status} to ?${query.toString()}`);
  const { data } = answer.parse(await response.json());
  return data.map(({ spans, processes }) =>
    spans.map((one) => {
      const { serviceName = '', tags: resource = [] } = processes[one.processID] ?? {};
      return toFlatSpan(one, serviceName, toRecord(resource));
    }),
  );
}

type Tags = Readonly<Record<string, string | number | boolean>>;

function toRecord(tags: readonly z.output<typeof tag>[]): Tags {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

function toFlatSpan(one: z.output<typeof span>, service: string, resource: Tags): JaegerSpan {
  const attributes = toRecord(one.tags);
  const parent = one.references.find(
    ({ refType, traceID }) => refType === 'CHILD_OF' && traceID === one.traceID,
  );
  const start = BigInt(one.startTime) * 1_000n;
  const message = attributes['otel.status_description'];
  const kind = String(attributes['span.kind'] ?? 'internal') as keyof typeof OTLP_KIND;
  return {
    traceId: one.traceID,
    spanId: one.spanID,
    ...(parent === undefined ? {} : { parentSpanId: parent.spanID }),
    service,
    host: String(resource['host.id'] ?? resource['host.name'] ?? ''),
    scope: String(attributes['otel.scope.name'] ?? ''),
    name: one.operationName,
    kind: OTLP_KIND[kind],
    start,
    end: start + BigInt(one.duration) * 1_000n,
    attributes,
    links: one.references
      .filter((reference) => reference !== parent)
      .map(({ traceID, spanID }) => ({ traceId: traceID, spanId: spanID })),
    dropped: 0,
    failed: attributes['error'] === true,
    ...(message === undefined ? {} : { message: String(message) }),
    warnings: one.warnings ?? [],
  };
}
