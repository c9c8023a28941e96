// What was used, as a message to whoever asked for the work: beside the answer and apart from it, so that it counts also where there is
// no answer, or a late one. Its body is a reply that nobody waits for: a host of an earlier build drops it without a word, while one
// that keeps books knows it by its subject (docs/decisions/0120).
import { z } from 'zod';
import { actorQueue } from '../../contract/entities.ts';
import type { Json } from '../../contract/json.ts';
import { type Amount, type CostRow, type Funds, type FundsAsk, MAX_ROWS } from '../../contract/usage.ts';
import { type InboundMessage, PROPERTY, USAGE, WIRE_FORMAT, type WireMessage } from '../../contract/wire.ts';
import { askSchema, fundsSchema } from './budgets.ts';
import { hashId, ofThisLife, withoutLife } from './ids.ts';

/** What is told of one attempt, or by a child of one of its batches. */
export interface Told {
  /** What was asked: of its asker, with the life that it belongs to. */
  readonly execution: string;
  readonly branch?: number;
  /** Whether an answer came of it, which its asker may have taken or not. A sum says itself what of it was wasted. */
  readonly of: 'answer' | 'nothing' | 'sum';
  readonly rows: readonly CostRow[];
  /** When the last of it is over, as far as is known (epoch ms). */
  readonly until: number;
  /** Beside the report of the attempt itself: told after its end. */
  readonly isMore?: true;
  /** Under a budget: the next attempt, which leaves when its asker has reserved for it. */
  readonly again?: WireMessage;
  /** Of a child under a budget: what it holds for attempts that are under way, and whether it has ended. */
  readonly held?: Funds;
  readonly isOver?: true;
  /** It needs more than it was given. */
  readonly ask?: FundsAsk;
}

/** No actor numbers an execution so. */
const NOBODY = 'usage';

interface Envelope extends Pick<WireMessage, 'entity' | 'messageId' | 'traceparent'> {
  readonly sessionId: string;
}

export function toUsage({ traceparent, ...to }: Envelope, told: Told): WireMessage {
  return {
    ...to,
    subject: USAGE,
    properties: { [PROPERTY.format]: WIRE_FORMAT, [PROPERTY.execution]: withoutLife(told.execution) },
    ...(traceparent === undefined ? {} : { traceparent }),
    body: {
      kind: 'reply',
      execution: NOBODY,
      outcome: { status: 'done', output: told as unknown as Json },
    },
  };
}

/** One for each delivery of each message of a task, so that the next delivery of a lost attempt knows it too. */
export function usageMessageId(taskMessageId: string, deliveryCount: number, step: number): string {
  return hashId('usage', taskMessageId, deliveryCount, step);
}

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const amounts = {
  inputTokens: count,
  outputTokens: count,
  cachedInputTokens: count,
  reasoningTokens: count,
  calls: count,
  microUsd: count,
  unpricedCalls: count,
} satisfies Record<keyof Amount, typeof count>;
const amount = z.object(amounts);
/** A task, and nothing else: the actor that reads it sends it on. */
const task = z.strictObject({
  entity: z
    .string()
    .max(260)
    .regex(/^(agent|logic)\./, 'is not a queue of tasks'),
  subject: z.literal('task'),
  messageId: z.string().min(1).max(128),
  timeToLiveMs: z.number().optional(),
  notBefore: z.number().optional(),
  traceparent: z.string().max(256).optional(),
  replyTo: z.string(),
  replyToSessionId: z.string(),
  properties: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  body: z.looseObject({ kind: z.literal('task'), key: z.string() }),
});
const body = z.object({
  outcome: z.object({
    output: z.object({
      execution: z.string().max(256),
      branch: z.number().int().min(0).optional(),
      of: z.enum(['answer', 'nothing', 'sum']),
      rows: z
        .array(
          z.object({
            ...amounts,
            agent: z.string().max(128),
            model: z.string().max(128),
            wasted: amount.optional(),
            estimated: amount.optional(),
            saved: amount.optional(),
          }),
        )
        .max(MAX_ROWS),
      until: z.number().min(0).max(Number.MAX_SAFE_INTEGER),
      isMore: z.literal(true).optional(),
      again: task.optional(),
      held: fundsSchema.optional(),
      isOver: z.literal(true).optional(),
      ask: askSchema.optional(),
    }),
  }),
});

/** Undefined for what cannot be read, or is for another life of the actor. */
export function readUsage(message: InboundMessage, incarnation: string): Told | undefined {
  const parsed = body.safeParse(message.body);
  if (!parsed.success) return undefined;
  const told = parsed.data.outcome.output as unknown as Told;
  const known = ofThisLife({ kind: 'childSnapshot', execution: told.execution, snapshot: null }, incarnation);
  return known === undefined || !('execution' in known) ? undefined : { ...told, execution: known.execution };
}

/** A task's asker is an actor: whoever else asks keeps no books. */
export function keepsBooks(replyTo: string): boolean {
  return replyTo.startsWith(actorQueue(''));
}
