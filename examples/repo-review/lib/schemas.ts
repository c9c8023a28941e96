// Zod schemas of what comes from outside: a caller's input and a model's answers.
import { z } from 'zod';
import { DELIVERY_STEPS, type ReviewInput, SEVERITIES } from '../protocol.ts';
import { Failure } from './failure.ts';

export const reviewInputSchema = z.strictObject({
  runId: z.string().min(1).max(128),
  folder: z.string().min(1),
  out: z.string().min(1),
  policy: z.union([z.literal('all'), z.number().int().min(1)]).optional(),
  failAt: z.enum(DELIVERY_STEPS).optional(),
  asks: z.boolean().optional(),
  runs: z.string().min(1).optional(),
});

export function parseReviewInput(input: unknown): z.output<typeof reviewInputSchema> {
  const parsed = reviewInputSchema.safeParse(input);
  if (!parsed.success)
    throw new Failure('INPUT_INVALID', z.prettifyError(parsed.error).replaceAll('\n', ' '));
  return parsed.data;
}

parseReviewInput satisfies (input: unknown) => { [K in keyof ReviewInput]?: ReviewInput[K] | undefined };

const workItemSchema = z.object({
  rank: z.number().int().min(1),
  title: z.string().min(1).max(200),
  rules: z.array(z.string().min(1)).min(1),
  files: z.array(z.string().min(1)).min(1),
  findings: z.number().int().min(0),
  severity: z.enum(SEVERITIES),
  effort: z.enum(['S', 'M', 'L']),
  why: z.string().min(1).max(1_000),
});

export const planSchema = z.object({ planner: z.string(), items: z.array(workItemSchema) });

/** What a model is asked for as a plan: ranks and counts are worked out here, never believed. */
export const modelPlanSchema = z.object({
  items: z
    .array(workItemSchema.pick({ title: true, rules: true, files: true, effort: true, why: true }))
    .min(1)
    .max(50),
});

export const critiqueSchema = z.object({
  score: z.number().min(0).max(1),
  feedback: z
    .array(
      z.object({
        code: z
          .enum(['UNCOVERED_HIGH', 'SCATTERED', 'TOO_MANY_ITEMS', 'ITEM_TOO_BIG', 'OTHER'])
          .catch('OTHER'),
        text: z.string().min(1).max(1_000),
      }),
    )
    .max(20),
});
