// Reads OTLP JSON lines back as flat spans: what `--trace-file` writes, for the lint and for tests.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';

const anyValue = z.object({
  stringValue: z.string().optional(),
  boolValue: z.boolean().optional(),
  intValue: z.union([z.number(), z.string()]).optional(),
  doubleValue: z.number().optional(),
});
const attributes = z.array(z.object({ key: z.string(), value: anyValue })).default([]);
const otlpSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number().default(1),
  startTimeUnixNano: z.coerce.bigint(),
  endTimeUnixNano: z.coerce.bigint(),
  attributes,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  droppedLinksCount: z.number().default(0),
  droppedAttributesCount: z.number().default(0),
  droppedEventsCount: z.number().default(0),
  status: z.object({ code: z.number().default(0), message: z.string().optional() }).default({ code: 0 }),
});
const request = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }).optional(),
      scopeSpans: z.array(
        z.object({ scope: z.object({ name: z.string() }).optional(), spans: z.array(otlpSpan) }),
      ),
    }),
  ),
});

/** OTLP's numbers: the API's SpanKind plus one. */
export const OTLP_KIND = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

type AttributeValue = string | number | boolean | undefined;

/** A span of a trace file, with its service beside it and times in ns. */
export interface FlatSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly service: string;
  /** Of the process: host.id, else host.name; empty where neither is set. */
  readonly host: string;
  /** Of the library that made it: `quorate` for ours. */
  readonly scope: string;
  readonly name: string;
  readonly kind: number;
  /** Epoch ns. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** Links, attributes and events that the SDK's limits cut. */
  readonly dropped: number;
  readonly failed: boolean;
  /** Of the status: why it failed. */
  readonly message?: string;
}

/** Reads a trace file. Throws when it cannot be read, or a line of it is no OTLP JSON. */
export async function readTraceFile(path: string): Promise<FlatSpan[]> {
  return parseTraceLines(await readFile(path, 'utf8'));
}

/** The same from its text. Throws when a line is no OTLP JSON. */
export function parseTraceLines(text: string): FlatSpan[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : flatten(JSON.parse(line))));
}

function flatten(json: unknown): FlatSpan[] {
  return request.parse(json).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const of = toRecord(resource?.attributes ?? []);
    const service = String(of['service.name'] ?? '');
    const host = String(of['host.id'] ?? of['host.name'] ?? '');
    return scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => toFlatSpan(span, { service, host, scope: scope?.name ?? '' })),
    );
  });
}

function toFlatSpan(
  span: z.output<typeof otlpSpan>,
  origin: Pick<FlatSpan, 'service' | 'host' | 'scope'>,
): FlatSpan {
  const { traceId, spanId, parentSpanId, name, kind, links } = span;
  return {
    traceId,
    spanId,
    // Absent and empty both mean a root.
    ...(parentSpanId ? { parentSpanId } : {}),
    ...origin,
    name,
    kind,
    start: span.startTimeUnixNano,
    end: span.endTimeUnixNano,
    attributes: toRecord(span.attributes),
    links,
    dropped: span.droppedLinksCount + span.droppedAttributesCount + span.droppedEventsCount,
    failed: span.status.code === 2,
    ...(span.status.message === undefined ? {} : { message: span.status.message }),
  };
}

function toRecord(list: z.output<typeof attributes>): Record<string, AttributeValue> {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      const number = value.intValue === undefined ? value.doubleValue : Number(value.intValue);
      return [key, value.stringValue ?? value.boolValue ?? number];
    }),
  );
}
