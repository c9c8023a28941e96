// The end of one branch of a scatter, and of its gather: what the fold decides is told to the machine here.
import { namedByType } from '../../contract/address.ts';
import type { Json } from '../../contract/json.ts';
import type { Outcome } from '../../contract/outcome.ts';
import type { Execution, GatherReport, TurnInput, Verdict } from '../../contract/turn.ts';
import type { Decision } from '../../machines/gather.ts';
import { closeExecution } from './executions.ts';
import { withStowed } from './gather.ts';
import type { TurnMachine } from './turn.ts';

type Scatter = Extract<Execution, { kind: 'scatter' }>;
type Reply = Extract<TurnInput, { kind: 'reply' }>;

export function answerBranch(turn: TurnMachine, input: Reply, scatter: Scatter, outcome: Outcome): Verdict {
  const { draft } = turn;
  const { execution: id, branch } = input;
  if (branch === undefined) return answerWhole(turn, id, scatter, outcome);
  const fold = draft.fold(id, scatter);
  if (!fold.contains(branch)) return { kind: 'stale', why: `scatter ${id} has no branch ${branch}` };
  if (fold.has(branch)) {
    draft.folded(fold.countDuplicate());
    return { kind: 'stale', why: `branch ${branch} of scatter ${id} has answered before` };
  }
  draft.folded(fold.accept(branch, outcome, input.traceparent, input.kept));
  const more = (): boolean =>
    draft.ahead.some(
      (other) => other.kind === 'reply' && other.execution === id && !fold.has(other.branch ?? 0),
    );
  endGather(turn, id, scatter, fold.decide(more));
  return { kind: 'applied' };
}

/** An answer for no branch in particular: the fan-out itself failed, for example because its items can not be read. */
function answerWhole(turn: TurnMachine, id: string, scatter: Scatter, outcome: Outcome): Verdict {
  if (outcome.status === 'done')
    return { kind: 'stale', why: `an answer to scatter ${id} without its branch` };
  end(turn, id, scatter, 'failed', outcome);
  return { kind: 'applied' };
}

/** Called after an answer, or when the time is up. Does nothing while the gather is undecided. */
export function endGather(turn: TurnMachine, id: string, scatter: Scatter, decision: Decision): void {
  const { draft } = turn;
  const { overflow, payloads, stowed, address } = draft.request;
  // The host found that the answers do not fit, by reference neither.
  const tooLarge = overflow?.execution === id ? overflow : undefined;
  if (tooLarge?.error !== undefined)
    return end(turn, id, scatter, 'failed', { status: 'error', error: tooLarge.error });
  switch (decision.kind) {
    case 'undecided':
      return;
    case 'failed': {
      const message = `gather '${namedByType(scatter.childId, address.type)}': ${decision.error.message}`;
      const error = withStowed(id, { ...decision.error, message }, stowed);
      return end(turn, id, scatter, 'failed', { status: 'error', error });
    }
    case 'done': {
      const { outcome } = decision;
      const fold = draft.fold(id, scatter);
      const output =
        tooLarge === undefined ? fold.output(outcome, payloads) : fold.outputByReference(outcome);
      return end(turn, id, scatter, outcome, { status: 'done', output: output as unknown as Json });
    }
  }
}

function end(
  turn: TurnMachine,
  id: string,
  scatter: Scatter,
  outcome: GatherReport['outcome'],
  told: Outcome,
): void {
  const { draft } = turn;
  const { src, childId } = scatter;
  const gather = draft.fold(id, scatter).toState();
  const byReference = told.status === 'done' && draft.request.overflow?.execution === id;
  const report = {
    execution: id,
    src,
    childId,
    scatter,
    outcome,
    gather,
    ...(told.status === 'error' ? { error: told.error } : {}),
  };
  draft.gathers.push(byReference ? { ...report, byReference } : report);
  closeExecution(draft, id, 'answered');
  turn.deliverEnd(childId, told);
}
