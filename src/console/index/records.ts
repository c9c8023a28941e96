// Records as they come from the topic, which anybody with the right to send can write to: unpacked within bounds, and checked one by one.
// One that does not fit is left out and counted; the others of its body count.
import { inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { PRIORITIES } from '../../contract/control.ts';
import type { IndexRecord } from '../../contract/records.ts';

/** Unpacked. A process sends a thirtieth of it. */
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_RECORDS = 20_000;

const text = z.string().max(4_000);
const name = z.string().min(1).max(1_000);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const time = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const json = z.json();
/** A state value: a name, or an object of them. */
const value = json;

const order = { life: count, revision: count };
const named = { type: name, id: name };

const actor = z.object({
  kind: z.literal('actor'),
  ...named,
  ...order,
  incarnation: name,
  turn: count,
  prevTurn: count,
  at: time,
  status: z.enum(['active', 'done', 'error', 'stopped']),
  value,
  tags: z.array(text).max(64),
  startedAt: time,
  endedAt: time.optional(),
  version: text,
  host: text,
  steps: z
    .array(z.object({ turn: count, event: text, to: value, effects: z.array(text).max(64).optional() }))
    .max(1_000),
  moreSteps: count.optional(),
  executions: z
    .array(
      z.object({
        id: text,
        childId: text,
        src: text,
        kind: z.enum(['task', 'scatter', 'child']),
        agent: text.optional(),
        child: text.optional(),
        startedAt: time,
        deadlineAt: time.optional(),
        total: count.optional(),
        ok: count.optional(),
        failed: count.optional(),
      }),
    )
    .max(1_000),
  moreExecutions: count.optional(),
  nextTimerAt: time.optional(),
  quarantine: z.object({ code: text, message: text, since: time }).optional(),
  error: z.object({ code: text, message: text }).optional(),
  parent: text.optional(),
  tenant: text.optional(),
  priority: z.enum(PRIORITIES).optional(),
  traceId: text.optional(),
  stateBytes: count.optional(),
  costs: z.object({ inputTokens: count, outputTokens: count, microUsd: count, calls: count }).optional(),
  asks: count.optional(),
  unsent: count.optional(),
  exhaustedAt: time.optional(),
});

const gone = z.object({ kind: z.literal('gone'), ...named, ...order, at: time });

const running = z.object({
  kind: z.literal('process'),
  id: name,
  at: time,
  startedAt: time,
  host: text,
  pid: count,
  build: text,
  roles: z.array(text).max(16),
  machines: z.record(text, text),
  agents: z.array(z.object({ name: text, concurrency: count, running: count })).max(10_000),
  sessions: z.number(),
  counters: z.record(text, z.number()),
  eventLoopMs: z.number(),
  memoryBytes: count,
  stopped: z.literal(true).optional(),
});

const machine = z.object({
  kind: z.literal('machine'),
  type: name,
  version: text,
  definition: json,
  at: time,
});

const record = z.discriminatedUnion('kind', [actor, gone, running, machine]);
const packed = z.object({ kind: z.literal('records'), packed: z.base64().max(1_000_000) });

export interface Unpacked {
  readonly records: readonly IndexRecord[];
  /** Those that could not be read; 1 where the whole body could not. */
  readonly refused: number;
}

export function unpack(body: unknown): Unpacked {
  const parsed = packed.safeParse(body);
  if (!parsed.success) return { records: [], refused: 1 };
  let list: unknown;
  try {
    const bytes = inflateRawSync(Buffer.from(parsed.data.packed, 'base64'), { maxOutputLength: MOST_BYTES });
    list = JSON.parse(bytes.toString('utf8'));
  } catch {
    return { records: [], refused: 1 };
  }
  if (!Array.isArray(list)) return { records: [], refused: 1 };
  const records: IndexRecord[] = [];
  for (const item of list.slice(0, MOST_RECORDS)) {
    const read = record.safeParse(item);
    if (read.success) records.push(read.data as IndexRecord);
  }
  return { records, refused: list.length - records.length };
}
