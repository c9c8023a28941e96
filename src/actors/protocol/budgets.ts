// Budgets as messages say them: on a start what the run may use, on a task what its asker has reserved for each attempt at it. A
// property and no field of the body, which hosts of earlier builds read strictly.
import { z } from 'zod';
import { type Funds, type FundsAsk, MICROS } from '../../contract/usage.ts';
import { type GrantedBody, PROPERTY, WIRE_FORMAT, type WireMessage } from '../../contract/wire.ts';

/** What a run may use. What is absent is not limited. */
export interface GivenBudget {
  readonly microUsd?: number;
  readonly tokens?: number;
  /** What becomes of work that there is nothing left for. */
  readonly onExhausted: 'wait' | 'fail';
}

const amount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const given = z
  .strictObject({
    microUsd: amount.optional(),
    tokens: amount.optional(),
    onExhausted: z.enum(['wait', 'fail']),
  })
  .refine(({ microUsd, tokens }) => microUsd !== undefined || tokens !== undefined, 'limits nothing');

/** In micro-USD: more is a mistake, and would not be exact. */
export const MAX_BUDGET_USD = Number.MAX_SAFE_INTEGER / MICROS;

export function formatBudget(budget: GivenBudget): string {
  return JSON.stringify(budget);
}

type ReadBudget =
  | { readonly kind: 'budget'; readonly budget: GivenBudget }
  | { readonly kind: 'invalid'; readonly why: string };

export function readBudget(text: unknown): ReadBudget {
  let value: unknown;
  try {
    value = JSON.parse(String(text));
  } catch {
    return { kind: 'invalid', why: 'it is no JSON' };
  }
  const parsed = given.safeParse(value);
  if (parsed.success) return { kind: 'budget', budget: parsed.data as GivenBudget };
  const issue = parsed.error.issues[0];
  return { kind: 'invalid', why: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}` };
}

// What is reserved for an attempt, as its task says it.

export function formatFunds({ microUsd, tokens: count }: Funds): string {
  return `${microUsd}/${count}`;
}

/** Undefined for a task that nothing is reserved for. */
export function parseFunds(text: unknown): Funds | undefined {
  const [, microUsd, count] = /^(\d{1,15})\/(\d{1,15})$/.exec(String(text)) ?? [];
  return microUsd === undefined ? undefined : { microUsd: Number(microUsd), tokens: Number(count) };
}

// A child asks its parent for more than it was given, and its parent grants it, or says that there is none.

/** What a child knows its grants by, with its life. */
export const BUDGET_GRANT = 'budget';

export interface FundsGrant extends Funds {
  readonly seq: number;
  readonly isRefused: boolean;
}

const funds = { microUsd: amount, tokens: amount };
export const fundsSchema = z.object(funds);
const address = z.object({
  entity: z.string().max(260),
  sessionId: z.string().max(128),
  correlationId: z.string().max(128),
});
export const askSchema = z.object({ seq: amount, least: fundsSchema, wish: fundsSchema, to: address });
const grantSchema = z.object({ ...funds, seq: amount, isRefused: z.boolean() });

export function toGrant({ to }: FundsAsk, grant: FundsGrant, messageId: string): WireMessage {
  const { entity, sessionId, correlationId: execution } = to;
  return {
    entity,
    sessionId,
    subject: 'granted',
    messageId,
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: { kind: 'granted', execution, value: { ...grant } },
  };
}

/** Undefined for a grant of another kind. */
export function readGrant({ execution, value }: GrantedBody): FundsGrant | undefined {
  const parsed = execution === BUDGET_GRANT ? grantSchema.safeParse(value) : undefined;
  return parsed?.success === true ? parsed.data : undefined;
}
