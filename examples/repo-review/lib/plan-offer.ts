// How a planner makes an offer: by rules, or by a model when one is set.
import type { AgentContext, Json } from 'quorate';
import type { Finding, Offer, Plan, PlanTask } from '../protocol.ts';
import { Failure } from './failure.ts';
import { askModel, type Model, modelFrom } from './model.ts';
import { makePlan, rankClaims, type Strategy } from './planning.ts';
import { planPrompt } from './prompts.ts';
import { asJson, readCollected } from './run-folder.ts';
import { modelPlanSchema } from './schemas.ts';
import { countAttempt, recordSpent, type Spent } from './usage.ts';

/** A plan larger than this travels by reference. */
const MAX_INLINE_BYTES = 8_192;

export interface Planner extends Strategy {
  /** Told to a model. */
  readonly aim: string;
}

export async function makeOffer(planner: Planner, { item }: PlanTask, context: AgentContext): Promise<Json> {
  const { runFolder } = item.request;
  await countAttempt(runFolder, context);
  const { findings } = await readCollected(runFolder);
  const { objections = [], heeded: before = [] } = item.feedback ?? {};
  const heeded = [...new Set([...before, ...objections.map(({ code }) => code)])];
  const model = modelFrom(process.env);
  const plan =
    model === undefined || findings.length === 0
      ? makePlan(planner, findings, new Set(heeded))
      : await planByModel(model, planner, findings, item, context);
  const small = Buffer.byteLength(JSON.stringify(plan)) <= MAX_INLINE_BYTES;
  const offered = small ? plan : await context.payloads.put(asJson(plan));
  return asJson({ plan: offered, items: plan.items.length, heeded } satisfies Offer);
}

export async function planOf({ plan }: Offer, { payloads }: Pick<AgentContext, 'payloads'>): Promise<Plan> {
  return '$payload' in plan ? ((await payloads.get(plan)) as unknown as Plan) : plan;
}

async function planByModel(
  model: Model,
  { planner, aim }: Planner,
  findings: readonly Finding[],
  { request, previous, feedback }: PlanTask['item'],
  context: AgentContext,
): Promise<Plan> {
  const earlier = previous === undefined ? undefined : await planOf(previous, context);
  const question = {
    ...planPrompt(aim, findings, feedback?.objections ?? [], earlier),
    schema: modelPlanSchema,
    onSpent: (spent: Spent) => recordSpent(request.runFolder, context.key, spent),
  };
  const { items } = await askModel(model, question, context);
  // What the model says about coverage is worked out again: an item that covers nothing falls away.
  const plan = rankClaims(planner, items, findings);
  if (plan.items.length > 0) return plan;
  throw new Failure('MODEL_REPLY_INVALID', "the model's plan covers none of the findings");
}
