// The end of one branch of a scatter, and of its gather.
import { namedByType } from '../../contract/address.ts';
import type { Json } from '../../contract/json.ts';
import type { Outcome } from '../../contract/outcome.ts';
import type { Execution, TurnInput, Verdict } from '../../contract/turn.ts';
import { closeExecution } from './executions.ts';
import type { Decision } from './gather.ts';
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
  endGather(turn, id, scatter, overflows(turn, id) ? { kind: 'failed' } : fold.decide());
  return { kind: 'applied' };
}

/** An answer for no branch in particular: the fan-out itself failed, for example because its items can not be read. */
function answerWhole(turn: TurnMachine, id: string, scatter: Scatter, outcome: Outcome): Verdict {
  if (outcome.status === 'done')
    return { kind: 'stale', why: `an answer to scatter ${id} without its branch` };
  close(turn, id, scatter, 'failed');
  turn.deliverEnd(scatter.childId, outcome);
  return { kind: 'applied' };
}

export function endGather(turn: TurnMachine, id: string, scatter: Scatter, decision: Decision): void {
  if (decision.kind === 'open') return;
  const fold = turn.draft.fold(id, scatter);
  const { childId } = scatter;
  const { overflow, payloads } = turn.draft.request;
  if (decision.kind === 'done' && !overflows(turn, id)) {
    const output = fold.output(decision.outcome, payloads) as unknown as Json;
    close(turn, id, scatter, decision.outcome);
    turn.deliverEnd(childId, { status: 'done', output });
    return;
  }
  close(turn, id, scatter, 'failed');
  const error = overflows(turn, id) ? overflow?.error : undefined;
  turn.deliverEnd(childId, {
    status: 'error',
    error: error ?? fold.failure(namedByType(childId, turn.draft.request.address.type)),
  });
}

/** Whether its answers do not fit, as its host has found. */
function overflows({ draft }: TurnMachine, id: string): boolean {
  return draft.request.overflow?.execution === id;
}

function close(
  turn: TurnMachine,
  id: string,
  scatter: Scatter,
  outcome: 'all' | 'quorum' | 'deadline' | 'failed',
): void {
  const { draft } = turn;
  const gather = draft.fold(id, scatter).toState();
  draft.gathers.push({ execution: id, src: scatter.src, childId: scatter.childId, outcome, gather });
  closeExecution(draft, id, 'answered');
}
