// Scores every offer of a round, chooses the best and says what all planners should do better.
import type { AgentContext, Json } from 'quorate';
import { critiquePlan } from '../lib/critique.ts';
import { askModel, modelFrom } from '../lib/model.ts';
import { planOf } from '../lib/plan-offer.ts';
import { criticPrompt } from '../lib/prompts.ts';
import { asJson, readCollected } from '../lib/run-folder.ts';
import { critiqueSchema } from '../lib/schemas.ts';
import { countAttempt, recordSpent, type Spent } from '../lib/usage.ts';
import type { CriticAnswer, CriticTask, Critique, Finding, Plan } from '../protocol.ts';

export async function critic({ request, offers }: CriticTask, context: AgentContext): Promise<Json> {
  const { runFolder } = request;
  await countAttempt(runFolder, context);
  const { findings } = await readCollected(runFolder);
  const critiques: Critique[] = [];
  for (const { offer } of offers)
    critiques.push(await judge(await planOf(offer, context), findings, runFolder, context));
  const score = Math.max(...critiques.map((critique) => critique.score));
  // Of equal scores the first: the order in which the planners are named.
  const choice = critiques.findIndex((critique) => critique.score === score);
  const objections = new Map(critiques.flatMap(({ feedback }) => feedback).map((one) => [one.text, one]));
  const heeded = [...new Set(offers.flatMap(({ offer }) => offer.heeded))];
  return asJson({
    choice,
    score,
    feedback: { objections: [...objections.values()], heeded },
  } satisfies CriticAnswer);
}

async function judge(
  plan: Plan,
  findings: readonly Finding[],
  runFolder: string,
  context: AgentContext,
): Promise<Critique> {
  const measured = critiquePlan(plan, findings);
  const model = modelFrom(process.env);
  if (model === undefined || findings.length === 0) return measured;
  const question = {
    ...criticPrompt(plan, findings, measured.feedback),
    schema: critiqueSchema,
    onSpent: (spent: Spent) => recordSpent(runFolder, context.key, spent),
  };
  return askModel(model, question, context);
}
