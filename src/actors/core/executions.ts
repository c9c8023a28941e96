// An execution is one request to the world: a task, a scatter or a child. A re-entered invoke is a new execution, so a late
// answer to the old one is stale (I9). Tasks and scatters have a deadline at their asker (I11). Child machines get none: they
// are supervised actors that may live for months; when one cannot be started or read, its dead letter reports to the parent.
import { type ActorAddress, namedByType } from '../../contract/address.ts';
import type { Json } from '../../contract/json.ts';
import { emptyOutput } from '../../machines/gather.ts';
import type { Draft } from './draft.ts';
import { newGather } from './gather.ts';
import type { Source } from './logic.ts';
import { checkPlan } from './plan.ts';
import { childActorId } from './references.ts';
import { instantAfter, unwatchFresh, watchDeadline } from './timers.ts';

export interface ChildStart {
  readonly childId: string;
  readonly src: string;
  readonly input: Json;
  readonly syncSnapshot: boolean;
  readonly invoked?: true;
  /** The state with the invoke says so (invokes.ts). */
  readonly cancel?: 'ignore';
}

/** What the machine must be told at once: the output of a scatter without branches. */
export type Opened =
  | { readonly kind: 'open'; readonly tasks: number }
  | { readonly kind: 'complete'; readonly output: Json };

export function openExecution(draft: Draft, source: Source, child: ChildStart): Opened {
  const replaced = draft.executionOf(child.childId);
  if (replaced !== undefined) closeExecution(draft, replaced, 'stop');
  switch (source.kind) {
    case 'task':
      openTask(draft, source, child);
      return { kind: 'open', tasks: 1 };
    case 'machine':
      openChild(draft, source.type, child);
      return { kind: 'open', tasks: 0 };
    case 'scatter':
      return openScatter(draft, child);
  }
}

function openTask(draft: Draft, source: Extract<Source, { kind: 'task' }>, child: ChildStart): void {
  const execution = draft.nextExecutionId();
  const { agent, deadlineMs, logic } = source;
  const deadlineAt = instantAfter(draft.now, deadlineMs);
  draft.ask({
    kind: 'task',
    ...ignoring(child.cancel),
    execution,
    agent,
    input: child.input,
    deadlineAt,
    ...(logic === undefined ? {} : { logic }),
  });
  watchDeadline(draft, deadlineAt);
  draft.openExecution(execution, {
    ...common(draft, child),
    ...ignoring(child.cancel),
    kind: 'task',
    agent,
    deadlineAt,
  });
}

function openChild(draft: Draft, type: string, child: ChildStart): void {
  const execution = draft.nextExecutionId();
  const { address: parent } = draft.request;
  const address: ActorAddress = { type, id: childActorId(parent, draft.life?.incarnation ?? '', execution) };
  const { childId, input, syncSnapshot } = child;
  draft.ask({ kind: 'startChild', execution, address, childId, input, syncSnapshot });
  draft.openExecution(execution, { ...common(draft, child), kind: 'child', address });
}

function openScatter(draft: Draft, child: ChildStart): Opened {
  const { address, registry } = draft.request;
  const name = namedByType(child.childId, address.type);
  const { plan, total, deadlineMs } = checkPlan(child.input, name, registry, draft.exports);
  // Without branches there is nothing to wait for, whatever the policy hopes for.
  if (total === 0) return { kind: 'complete', output: emptyOutput(plan) as unknown as Json };
  const execution = draft.nextExecutionId();
  const deadlineAt = instantAfter(draft.now, deadlineMs);
  const cancel = ignoring(plan.cancel ?? child.cancel);
  draft.ask({ kind: 'scatter', execution, plan: { ...plan, ...cancel }, total, deadlineAt });
  watchDeadline(draft, deadlineAt);
  const gather = newGather(plan, draft.now);
  draft.openExecution(execution, {
    ...common(draft, child),
    ...cancel,
    kind: 'scatter',
    gather,
    deadlineAt,
  });
  return { kind: 'open', tasks: total };
}

function ignoring(cancel: 'ignore' | undefined): { readonly cancel?: 'ignore' } {
  return cancel === undefined ? {} : { cancel };
}

function common(draft: Draft, { childId, src, invoked }: ChildStart) {
  const { tracedAt } = draft.request;
  return {
    childId,
    src,
    startedAt: draft.now,
    ...(tracedAt === undefined ? {} : { tracedAt }),
    ...(invoked === undefined ? {} : { invoked }),
  };
}

/** 'answered': the other side has ended by itself. 'stop': nobody needs it any more, and it has to be told. */
export function closeExecution(draft: Draft, id: string, why: 'answered' | 'stop'): void {
  const execution = draft.executions.get(id);
  if (execution === undefined) return;
  draft.forgetExecution(id, execution.childId);
  if (draft.isFresh(id)) {
    // Started and stopped in one turn: XState never starts such a child, so nothing about it leaves.
    const address = execution.kind === 'child' ? execution.address : undefined;
    draft.unask(
      (effect) =>
        ('execution' in effect && effect.execution === id) ||
        (effect.kind === 'send' && effect.to === address),
    );
    if (execution.deadlineAt !== undefined) unwatchFresh(draft);
    return;
  }
  if (why === 'stop' && execution.kind === 'child') {
    draft.ask({ kind: 'stopChild', execution: id, address: execution.address });
  }
}
