// report.json: its schema and version. A reader that knows this version can read every report of it.
import { z } from 'zod';
import { planSchema } from '../lib/schemas.ts';
import { REVIEWERS, SEVERITIES } from '../protocol.ts';

export const REPORT_VERSION = 1;

const count = z.number().int().min(0);
const severity = z.enum(SEVERITIES);

const findingSchema = z.strictObject({
  file: z.string(),
  line: z.number().int().min(1),
  agent: z.enum(REVIEWERS),
  rule: z.string(),
  severity,
  message: z.string(),
  excerpt: z.string().exactOptional(),
});

export const reportSchema = z.strictObject({
  kind: z.literal('quorate.repo-review'),
  version: z.literal(REPORT_VERSION),
  runId: z.string(),
  folder: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  files: z.strictObject({
    reviewed: count,
    bytes: count,
    skipped: z.array(z.strictObject({ path: z.string(), why: z.string() })),
  }),
  /** One task per file and reviewer. `ok`, `failed` and `duplicates` are counted as replies are accepted, before any merge. */
  replies: z.strictObject({
    policy: z.union([z.literal('all'), z.number()]),
    outcome: z.enum(['all', 'quorum', 'deadline']),
    total: count,
    ok: count,
    failed: count,
    missing: count,
    duplicates: count,
    errors: z.array(
      z.strictObject({ agent: z.string(), index: count, code: z.string(), message: z.string() }),
    ),
  }),
  /** Attempts after the first, over all tasks of the run. */
  repeatedAttempts: count,
  model: z.strictObject({ calls: count, promptTokens: count, completionTokens: count }),
  findings: z.strictObject({
    total: count,
    bySeverity: z.record(severity, count),
    /** Said twice by overlapping tasks, listed once. */
    merged: count,
    list: z.array(findingSchema),
  }),
  plan: planSchema.extend({
    accepted: z.boolean(),
    score: z.number(),
    rounds: count,
    refused: z.array(z.strictObject({ round: count, proposer: z.string(), score: z.number() })),
    /** Offers that lapsed, failed or came too late. */
    lost: count,
    objections: z.array(z.string()),
  }),
});

export type Report = z.output<typeof reportSchema>;
