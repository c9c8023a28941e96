// Plans what lowers the risk most for the time it takes first.
import type { AgentContext, Json } from 'quorate';
import { makeOffer, type Planner } from '../lib/plan-offer.ts';
import { minutesOf, weightOf } from '../lib/planning.ts';
import type { PlanTask } from '../protocol.ts';

export const BY_EFFORT: Planner = {
  planner: 'by effort',
  aim: 'what lowers the risk most for each hour of work first.',
  groupBy: 'file',
  value: (group) => weightOf(group.findings) / minutesOf(group.findings),
};

export function planByEffort(task: PlanTask, context: AgentContext): Promise<Json> {
  return makeOffer(BY_EFFORT, task, context);
}
