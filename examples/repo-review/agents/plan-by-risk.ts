// Plans what is most dangerous first.
import type { AgentContext, Json } from 'quorate';
import { makeOffer, type Planner } from '../lib/plan-offer.ts';
import { weightOf } from '../lib/planning.ts';
import type { PlanTask } from '../protocol.ts';

export const BY_RISK: Planner = {
  planner: 'by risk',
  aim: 'the most dangerous first.',
  groupBy: 'rule-and-file',
  value: (group) => weightOf(group.findings),
};

export function planByRisk(task: PlanTask, context: AgentContext): Promise<Json> {
  return makeOffer(BY_RISK, task, context);
}
