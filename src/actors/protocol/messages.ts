// The border: bodies of messages are parsed here and nowhere else.
import { z } from 'zod';
import { MAX_ACTOR_ID_LENGTH } from '../../contract/address.ts';
import { ASK_BOUNDS } from '../../contract/asks.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import { actorQueue, REPLIES } from '../../contract/entities.ts';
import type { Json } from '../../contract/json.ts';
import type { AuditBody, MarkBody } from '../../contract/letters.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import {
  type ActionBody,
  type ActorBody,
  type AnswerBody,
  type InboundMessage,
  type OfferBody,
  PROPERTY,
  type TaskBody,
  WIRE_FORMAT,
  type WireMessage,
} from '../../contract/wire.ts';

const json = z.custom<Json>((value) => value !== undefined);
const event = z.looseObject({ type: z.string().min(1).max(256) });
const address = z.strictObject({ type: z.string(), id: z.string().min(1).max(128) });
// An answer that no queue takes would hold up its actor for ever.
const ANSWER_QUEUE = new RegExp(`^(${REPLIES}|${actorQueue('')}.+)$`);
const sessionId = z.string().min(1).max(MAX_ACTOR_ID_LENGTH);
const replyAddress = z.strictObject({
  entity: z.string().max(260).regex(ANSWER_QUEUE, 'is not a queue for answers'),
  sessionId,
  correlationId: z.string().max(MAX_ACTOR_ID_LENGTH),
});
/** Only clients ask so; parents have an address of their own. */
const asker = replyAddress.extend({ entity: z.literal(REPLIES) });
const error = z.looseObject({ code: z.string(), message: z.string() });
const outcome = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('done'), output: json }),
  z.strictObject({ status: z.literal('error'), error }),
]);
/** A watcher that forgets to end its watch costs its actor a message a batch for so long. */
const MAX_LEASE_MS = 300_000;
/** The last time that a date can say. */
const MOST_TIME_MS = 8_640_000_000_000_000;
const branch = z.number().int().min(0).optional();

const actorBody = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('start'),
    input: json,
    parent: z
      .strictObject({
        address,
        reply: replyAddress,
        syncSnapshot: z.boolean(),
        childId: z.string().optional(),
        system: z.record(z.string(), address).optional(),
      })
      .optional(),
    asker: asker.optional(),
  }),
  z.strictObject({
    kind: z.literal('event'),
    event,
    start: z.strictObject({ input: json }).optional(),
  }),
  z.strictObject({
    kind: z.literal('reply'),
    execution: z.string(),
    branch,
    outcome,
    expiresAt: z.number().optional(),
  }),
  z.strictObject({
    kind: z.literal('partial'),
    execution: z.string(),
    branch,
    seq: z.number().int().min(0),
    value: json,
  }),
  z.strictObject({ kind: z.literal('childSnapshot'), execution: z.string(), snapshot: json }),
  z.strictObject({ kind: z.literal('timer'), token: z.string() }),
  z.strictObject({ kind: z.literal('await'), asker }),
  z.strictObject({
    kind: z.literal('respond'),
    ask: z.string().max(MAX_ACTOR_ID_LENGTH).optional(),
    value: json,
    by: z.string().max(ASK_BOUNDS.byLength).optional(),
    asker,
  }),
  z.strictObject({ kind: z.literal('stop') }),
  z.strictObject({ kind: z.literal('granted'), execution: z.string(), value: json }),
  z.strictObject({ kind: z.literal('query'), asker }),
  z.strictObject({
    kind: z.literal('topUp'),
    asker,
    by: z.string().max(128),
    microUsd: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
    tokens: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  }),
  z.strictObject({ kind: z.literal('release'), asker }),
  z.strictObject({ kind: z.literal('purge'), asker }),
  z.strictObject({ kind: z.literal('watch'), asker, leaseMs: z.number().int().min(0).max(MAX_LEASE_MS) }),
]);

const taskBody = z.strictObject({
  kind: z.literal('task'),
  agent: z.string(),
  input: json,
  // Its result lies under it.
  key: z
    .string()
    .max(128)
    .regex(/^[\w.%-]+$/, 'is not a key'),
  execution: z.string(),
  branch: z.number().int().min(0).nullable(),
  attempt: z.number().int().min(1),
  deadlineAt: z.number(),
  offerTtlMs: z.number().int().min(1).optional(),
  logic: z.strictObject({ type: z.string(), src: z.string() }).optional(),
});

const actionBody = z.strictObject({
  kind: z.literal('action'),
  key: z.string().min(1).max(128),
  name: z.string(),
  params: json,
  event,
  context: json,
  version: z.string(),
  turn: z.number().int(),
  attempt: z.number().int().min(1),
});

const offerBody = z.strictObject({
  kind: z.literal('offer'),
  execution: z.string(),
  branch: z.number().int().min(0).nullable(),
  value: json,
  expiresAt: z.number(),
});

const answerBody = z.discriminatedUnion('answer', [
  z.strictObject({
    kind: z.literal('answer'),
    answer: z.enum(['started', 'exists', 'released', 'purged', 'answered']),
  }),
  z.strictObject({ kind: z.literal('answer'), answer: z.literal('outcome'), outcome }),
  z.strictObject({ kind: z.literal('answer'), answer: z.literal('snapshot'), snapshot: z.looseObject({}) }),
  z.strictObject({ kind: z.literal('answer'), answer: z.literal('budget'), budget: z.looseObject({}) }),
  z.strictObject({
    kind: z.literal('answer'),
    answer: z.literal('life'),
    status: z.enum(['active', 'done', 'error', 'stopped']),
    incarnation: z.string(),
  }),
  z.strictObject({
    kind: z.literal('answer'),
    answer: z.literal('foresight'),
    letters: z.array(z.looseObject({ would: z.string() })),
  }),
  z.strictObject({
    kind: z.literal('answer'),
    answer: z.literal('transitions'),
    incarnation: z.string(),
    turn: z.number().int(),
    status: z.enum(['active', 'done', 'error', 'stopped']),
    value: json,
    steps: z.array(z.strictObject({ event, value: json })),
    output: json.optional(),
    error: error.optional(),
    gathers: z.array(z.looseObject({ childId: z.string() })).optional(),
    costs: z.looseObject({ final: z.boolean() }).optional(),
    asks: z.array(z.looseObject({ id: z.string(), question: z.string() })).optional(),
    children: z.array(z.looseObject({ childId: z.string(), type: z.string(), id: z.string() })).optional(),
  }),
  z.strictObject({ kind: z.literal('answer'), answer: z.literal('error'), error }),
]);

const markBody = z.strictObject({
  kind: z.literal('mark'),
  marks: z.array(z.strictObject({ letter: z.string().min(1).max(128), handled: z.boolean() })),
});

const auditBody = z.strictObject({
  kind: z.literal('audit'),
  what: z.enum(['edited', 'redriven', 'discarded']),
  letters: z.array(z.number().int().min(0)).min(1),
  by: z.string(),
  at: z.number().min(0).max(MOST_TIME_MS),
  why: z.string().optional(),
});

type Parsed<T> = { readonly ok: true; readonly body: T } | { readonly ok: false; readonly why: string };

function parse<T>(schema: z.ZodType, message: InboundMessage): Parsed<T> {
  const parsed = schema.safeParse(message.body);
  if (parsed.success) return { ok: true, body: parsed.data as T };
  const issue = parsed.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  return {
    ok: false,
    why: `${where === '' ? 'body' : where}: ${issue?.message ?? 'unreadable'}`.slice(0, 300),
  };
}

export const parseActorBody = (message: InboundMessage): Parsed<ActorBody> => parse(actorBody, message);
export const parseTaskBody = (message: InboundMessage): Parsed<TaskBody> => parse(taskBody, message);
export const parseActionBody = (message: InboundMessage): Parsed<ActionBody> => parse(actionBody, message);
export const parseOfferBody = (message: InboundMessage): Parsed<OfferBody> => parse(offerBody, message);
export const parseMarkBody = (message: InboundMessage): Parsed<MarkBody> => parse(markBody, message);
export const parseAuditBody = (message: InboundMessage): Parsed<AuditBody> => parse(auditBody, message);
export const parseAnswerBody = (message: InboundMessage): Parsed<AnswerBody> => parse(answerBody, message);

/** An agent's error, as a dead letter carries it in its description; undefined for any other text. */
export function parseError(text: string): ErrorJson | undefined {
  try {
    const parsed = error.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** A living client takes its answers at once. Those of a dead client must not stay in the queue for ever. */
export const ANSWER_TTL_MS = 3_600_000;

/** An answer of the host itself to a client. */
export function toAnswer(to: ReplyAddress, messageId: string, body: AnswerBody): WireMessage {
  return {
    entity: to.entity,
    sessionId: to.sessionId,
    correlationId: to.correlationId,
    subject: 'answer',
    timeToLiveMs: ANSWER_TTL_MS,
    messageId,
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: body as unknown as Json,
  };
}
