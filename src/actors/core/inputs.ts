// Applies each kind of input to an actor, and gives a verdict. What the machine throws rejects the input.
import { type ActorAddress, formatAddress, namedByType } from '../../contract/address.ts';
import { isReservedEvent } from '../../contract/border.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { EventJson } from '../../contract/json.ts';
import type { ErrorJson, Outcome } from '../../contract/outcome.ts';
import type { Execution, InternalInput, Timer, TurnInput, Verdict } from '../../contract/turn.ts';
import type { Decision } from '../../machines/gather.ts';
import { closeQuestion, judgeAnswer } from './asks.ts';
import { beginBounds, giveBack, lookAtBound, noteProgress } from './bounds.ts';
import { answerBranch, endGather } from './branches.ts';
import type { Draft, Life } from './draft.ts';
import { fail, finish, toOutcome } from './end.ts';
import { closeExecution } from './executions.ts';
import { lookAtDeadlines } from './timers.ts';
import { toMachineSnapshot } from './to-json.ts';
import type { TurnMachine } from './turn.ts';

/** What comes from outside. */
const PROGRESS: readonly TurnInput['kind'][] = ['event', 'reply', 'partial', 'respond'];

const APPLIED: Verdict = { kind: 'applied' };

function stale(why: string): Verdict {
  return { kind: 'stale', why };
}

export function applyInput(turn: TurnMachine, input: TurnInput): Verdict {
  const { draft } = turn;
  const { life } = draft;
  if (input.kind === 'start') return life === undefined ? applyStart(turn, input) : { kind: 'exists' };
  if (life === undefined && isStart(input)) return applyStartWithEvent(turn, input);
  if (life === undefined) return { kind: 'unknown' };
  if (input.kind === 'await') return applyAwait(draft, life, input);
  if (life.status !== 'active') {
    return input.kind === 'event' || input.kind === 'respond'
      ? { kind: 'ended', error: ended(turn, life) }
      : stale(`the actor has ended: ${life.status}`);
  }
  if (PROGRESS.includes(input.kind)) noteProgress(draft);
  switch (input.kind) {
    case 'event':
      return applyEvent(turn, input);
    case 'reply':
      return applyReply(turn, input);
    case 'partial':
      return applyPartial(turn, input);
    case 'childSnapshot':
      return applyChildSnapshot(turn, input);
    case 'timer':
      return applyTimer(turn, input);
    case 'respond':
      return applyAnswer(turn, input);
    case 'stop':
      finish(draft, 'stopped', { error: stopped(draft.request.address) });
      return APPLIED;
    case 'fail':
      return applyFail(turn, input);
  }
}

function stopped(actor: ActorAddress): ErrorJson {
  return { code: 'ACTOR_STOPPED', message: `${formatAddress(actor)} was stopped` };
}

type EventInput = Extract<TurnInput, { kind: 'event' }>;

type StartingEvent = EventInput & Required<Pick<EventInput, 'start'>>;

function isStart(input: TurnInput): input is StartingEvent {
  return input.kind === 'event' && input.start !== undefined;
}

function ended({ draft }: TurnMachine, { status }: Life): ErrorJson {
  const { type, id } = draft.request.address;
  return { code: 'ACTOR_ENDED', message: `${type}/${id} has ended: ${status}` };
}

/** One turn: when the machine cannot take the event, nothing is started either. */
function applyStartWithEvent(turn: TurnMachine, { event, start }: StartingEvent): Verdict {
  refuseReserved(event);
  applyStart(turn, start);
  const { life } = turn.draft;
  if (life !== undefined && life.status !== 'active') return { kind: 'applied', refused: ended(turn, life) };
  turn.deliverWithin(event);
  return APPLIED;
}

function applyStart(
  turn: TurnMachine,
  input: Pick<Extract<TurnInput, { kind: 'start' }>, 'input' | 'parent' | 'bounds'>,
): Verdict {
  const { incarnation, now } = turn.draft.request;
  const { parent, bounds } = input;
  turn.draft.life = {
    status: 'active',
    incarnation,
    startedAt: now,
    ...(parent === undefined ? {} : { parent }),
    ...(bounds === undefined ? {} : { bounds }),
  };
  turn.start(input.input);
  beginBounds(turn.draft);
  return APPLIED;
}

function applyAwait(draft: Draft, life: Life, { asker }: Extract<TurnInput, { kind: 'await' }>): Verdict {
  // An asker that asks again is told once.
  const others = draft.waiters.filter((waiter) => waiter.correlationId !== asker.correlationId);
  if (life.status === 'active') draft.waiters = [...others, asker];
  else draft.ask({ kind: 'reply', to: asker, outcome: toOutcome(life) });
  return APPLIED;
}

function applyEvent(turn: TurnMachine, { event }: EventInput): Verdict {
  refuseReserved(event);
  turn.deliver(event);
  return APPLIED;
}

/** The question is closed before the machine is told: it may ask the next one in the same turn. */
function applyAnswer(turn: TurnMachine, input: Extract<TurnInput, { kind: 'respond' }>): Verdict {
  const { draft } = turn;
  const judged = judgeAnswer(draft, turn.machine, input);
  if (judged.kind === 'refused') return judged;
  const { ask, question, value } = judged;
  const by = input.by === undefined ? {} : { by: input.by };
  closeQuestion(draft, ask, { how: 'answered', answer: value, ...by });
  const { event: type } = question;
  if (turn.deliver({ type, answer: value, ...by } as EventJson)) return APPLIED;
  const message = `the machine takes no '${type}' with this answer in the state that it is in`;
  return { kind: 'refused', error: { code: 'ANSWER_INVALID', message } };
}

/** Nobody has answered in time. */
function answerByDefault(turn: TurnMachine, ask: string): void {
  const { draft } = turn;
  const question = draft.asks?.open[ask];
  if (question === undefined) return;
  const { event: type, default: answer = null } = question;
  closeQuestion(draft, ask, { how: 'default', answer });
  turn.deliver({ type, answer, byDefault: true } as EventJson);
}

function refuseReserved({ type }: EventJson): void {
  if (isReservedEvent(type)) throw new QuorateError('EVENT_RESERVED', `event '${type}' from outside`);
}

function applyReply(turn: TurnMachine, input: Extract<TurnInput, { kind: 'reply' }>): Verdict {
  const { draft } = turn;
  const execution = draft.executions.get(input.execution);
  if (execution === undefined) return stale(`execution ${input.execution} is closed`);
  const outcome = expire(input, draft.now);
  if (execution.kind === 'scatter') return answerBranch(turn, input, execution, outcome);
  closeExecution(draft, input.execution, 'answered');
  if (execution.kind === 'child') giveBack(draft, input.tasksLeft);
  turn.deliverEnd(execution.childId, outcome);
  return APPLIED;
}

/** An offer that lapsed on its way, or in a backlog, is an error like one that the broker expired. */
function expire(
  { expiresAt, outcome, execution }: Extract<TurnInput, { kind: 'reply' }>,
  now: number,
): Outcome {
  if (expiresAt === undefined || expiresAt > now || outcome.status === 'error') return outcome;
  const message = `the offer of execution ${execution} lapsed ${now - expiresAt} ms before it was taken`;
  return { status: 'error', error: { code: 'OFFER_EXPIRED', message } };
}

function applyPartial(turn: TurnMachine, input: Extract<TurnInput, { kind: 'partial' }>): Verdict {
  const { draft } = turn;
  const { execution: id, branch = 0, seq, value } = input;
  const execution = draft.executions.get(id);
  if (execution === undefined) return stale(`execution ${id} is closed`);
  if (execution.kind === 'scatter' && !draft.fold(id, execution).contains(branch))
    return stale(`no branch ${branch}`);
  const expected = execution.nextPartial?.[branch] ?? 0;
  if (seq < expected) return stale(`partial ${seq} of execution ${id} was applied before`);
  if (seq > expected) return { kind: 'early', execution: id, branch, seq };
  draft.executions.set(id, { ...execution, nextPartial: { ...execution.nextPartial, [branch]: seq + 1 } });
  const event = { type: `quorate.partial.${execution.childId}`, seq, branch, value };
  turn.deliver(event);
  return APPLIED;
}

function applyChildSnapshot(
  turn: TurnMachine,
  input: Extract<TurnInput, { kind: 'childSnapshot' }>,
): Verdict {
  const execution = turn.draft.executions.get(input.execution);
  if (execution === undefined) return stale(`execution ${input.execution} is closed`);
  const { childId } = execution;
  if (execution.kind !== 'child' || !turn.follows(childId))
    return stale(`snapshots of '${childId}' are not followed`);
  const event = { type: `xstate.snapshot.${childId}`, snapshot: toMachineSnapshot(input.snapshot) };
  turn.deliver(event);
  return APPLIED;
}

function applyTimer(turn: TurnMachine, { token }: Extract<TurnInput, { kind: 'timer' }>): Verdict {
  const { draft } = turn;
  const timer = draft.timers.get(token);
  if (timer === undefined) return stale(`timer ${token} is cancelled or has fired`);
  draft.timers.delete(token);
  fire(turn, timer);
  return APPLIED;
}

function fire(turn: TurnMachine, timer: Timer): void {
  const { draft } = turn;
  const { what } = timer;
  switch (what.kind) {
    case 'raise':
      return turn.deliverOwn(what.event);
    case 'send':
      return draft.ask({ kind: 'send', to: what.to, event: what.event });
    case 'deadlines':
      return lookAtDeadlines(draft, timer);
    case 'bound':
      return lookAtBound(draft, what.of);
    case 'ask':
      return answerByDefault(turn, what.ask);
    case 'deadline': {
      const execution = draft.executions.get(what.execution);
      if (execution !== undefined) missDeadline(turn, what, execution);
    }
  }
}

type Deadline = Extract<Timer['what'], { readonly kind: 'deadline' }>;

/** I11: silence is an answer too. */
function missDeadline(turn: TurnMachine, { execution: id, isSpent }: Deadline, execution: Execution): void {
  const { draft } = turn;
  if (execution.kind === 'scatter') {
    const decision = draft.fold(id, execution).decideAtTimeUp();
    return endGather(turn, id, execution, isSpent === true ? asSpent(decision) : decision);
  }
  closeExecution(draft, id, 'stop');
  const { childId, src, startedAt } = execution;
  const name = namedByType(childId, draft.request.address.type);
  if (isSpent === true) {
    const why = `'${src}', running as '${name}', was not begun: nothing is left of the budget`;
    return turn.deliverEnd(childId, { status: 'error', error: { code: SPENT, message: why } });
  }
  const message = `'${src}', running as '${name}', did not answer within ${draft.now - startedAt} ms`;
  turn.deliverEnd(childId, { status: 'error', error: { code: 'DEADLINE_EXCEEDED', message } });
}

const SPENT = 'BUDGET_EXHAUSTED';

/** With what is there; an end that is a success is one here too. */
function asSpent(decision: Decision): Decision {
  return decision.kind === 'failed' ? { ...decision, error: { ...decision.error, code: SPENT } } : decision;
}

function applyFail(turn: TurnMachine, { input, error }: Extract<TurnInput, { kind: 'fail' }>): Verdict {
  const { draft } = turn;
  if (!isAwaited(draft, input)) return stale(`a ${input.kind} that failed is not waited for any more`);
  const what = input.kind === 'timer' ? draft.timers.get(input.token)?.what.kind : undefined;
  // No code of the machine runs for these inputs: they are not to blame when a host died.
  if (
    input.kind === 'timer' &&
    (what === 'deadlines' || what === 'bound' || (what === 'send' && error.code === 'TURN_POISONED'))
  )
    return applyTimer(turn, input);
  return { kind: 'applied', failure: fail(draft, error) };
}

function isAwaited(draft: Draft, input: InternalInput): boolean {
  if (input.kind === 'timer') {
    const what = draft.timers.get(input.token)?.what;
    return what?.kind === 'deadline'
      ? draft.executions.get(what.execution) !== undefined
      : what !== undefined;
  }
  const execution = draft.executions.get(input.execution);
  if (execution === undefined) return false;
  if (input.kind !== 'reply' || input.branch === undefined || execution.kind !== 'scatter') return true;
  return !draft.fold(input.execution, execution).has(input.branch);
}
