// The saga's agents: four steps that put the report into the output folder, and three that take it back.
import type { AgentContext, Json } from 'quorate';
import { readJournal } from '../delivery/journal.ts';
import type { Point } from '../delivery/steps.ts';
import * as steps from '../delivery/steps.ts';
import * as undo from '../delivery/undo.ts';
import { Failure } from '../lib/failure.ts';
import { planOf } from '../lib/plan-offer.ts';
import { countAttempt } from '../lib/usage.ts';
import type { Delivery } from '../protocol.ts';
import { buildReport, DOCUMENTS, toDocuments } from '../report/build.ts';
import { checkDocument } from '../report/verify.ts';

/** What a saga asks each of its agents with. */
export interface DeliveryTask {
  readonly input: Delivery;
  readonly step: string;
}

type Work = (delivery: Delivery, point: Point, context: AgentContext) => Promise<Json | void>;
type Step = (task: DeliveryTask, context: AgentContext) => Promise<Json>;

/** A step that is no longer waited for stops at its next point instead of working against its own undoing. */
function step(work: Work): Step {
  return async ({ input, step: name }, context) => {
    await countAttempt(input.runFolder, context);
    const result = await work(input, () => context.signal.throwIfAborted(), context);
    if (input.failAt === name)
      throw new Failure('FAILED_ON_REQUEST', `${name} failed after its work, as it was asked to`);
    return result ?? null;
  };
}

export const stage = step(({ runFolder, out }, point) =>
  steps.stage(runFolder, out, DOCUMENTS, Date.now(), point),
);

export const write = step(async ({ runFolder, counted, offer }, point, context) => {
  const journal = await readJournal(runFolder);
  if (journal === undefined) throw new Failure('DELIVERY_UNVERIFIED', 'nothing has been staged');
  const report = await buildReport(runFolder, counted, await planOf(offer, context), journal.finishedAt);
  await steps.write(runFolder, await toDocuments(report, journal.target), point);
});

export const verify = step(({ runFolder }, point) => steps.verify(runFolder, checkDocument, point));

export const publish = step(async ({ runFolder }, point) => ({
  files: await steps.publish(runFolder, point),
}));

/** A compensation is never asked to fail. */
function compensation(work: (run: string, point: Point) => Promise<void>): Step {
  return async ({ input }, context) => {
    await work(input.runFolder, () => context.signal.throwIfAborted());
    return null;
  };
}

export const unpublish = compensation(undo.unpublish);
export const unwrite = compensation(undo.unwrite);
export const unstage = compensation(undo.unstage);
