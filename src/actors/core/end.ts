// Ends an actor that is done, was stopped, or whose machine threw: tells everyone who waits, and lets go of its children, tasks
// and timers (I9). Errors are data here, both those that a machine is told of and its own.
import { QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson, Outcome } from '../../contract/outcome.ts';
import { answeredIn } from '../../contract/scatter.ts';
import type { ActorStatus, CutGather } from '../../contract/turn.ts';
import { closeAllQuestions } from './asks.ts';
import type { Draft } from './draft.ts';
import { closeExecution } from './executions.ts';
import { cancelAllTimers } from './timers.ts';

interface End {
  readonly output?: Json;
  readonly error?: ErrorJson;
}

export function finish(draft: Draft, status: Exclude<ActorStatus, 'active'>, end: End): void {
  const { life } = draft;
  if (life === undefined || life.status !== 'active') return;
  const gathers = status === 'done' ? [] : cutGathers(draft);
  for (const id of [...draft.executions.entries()].map(([key]) => key)) closeExecution(draft, id, 'stop');
  closeAllQuestions(draft);
  cancelAllTimers(draft);
  const outcome = toOutcome(end);
  for (const to of draft.waiters) draft.ask({ kind: 'reply', to, outcome });
  const { tasks: tasksLeft = 0 } = life.bounds ?? {};
  if (life.parent !== undefined)
    draft.ask({
      kind: 'reply',
      to: life.parent.reply,
      outcome,
      ...(tasksLeft === 0 ? {} : { tasksLeft }),
    });
  draft.waiters = [];
  draft.life = {
    ...life,
    ...end,
    status,
    endedAt: draft.now,
    ...(gathers.length === 0 ? {} : { cut: gathers }),
  };
}

/** Answers that were paid for stay to be looked at, as long as the actor is remembered. */
function cutGathers(draft: Draft): CutGather[] {
  return [...draft.executions.entries()].flatMap(([id, execution]) => {
    if (execution.kind !== 'scatter') return [];
    const gather = draft.fold(id, execution).toState();
    return answeredIn(gather) === 0 ? [] : [{ childId: execution.childId, gather }];
  });
}

/**
 * Ends the actor in error with its last snapshot, and tells its parent, as XState does where a transition throws (I7). Texts
 * of the machine are cut, so that the error fits also where what was thrown did not.
 */
export function fail(draft: Draft, thrown: ErrorJson): ErrorJson {
  draft.begin();
  const error = cut(thrown);
  finish(draft, 'error', { error });
  return error;
}

const MAX_TEXT = 4_096;

function cut({ code, message, name, data }: ErrorJson): ErrorJson {
  const isSmall = data !== undefined && JSON.stringify(data).length <= MAX_TEXT;
  return {
    code,
    message: message.slice(0, MAX_TEXT),
    ...(name === undefined ? {} : { name }),
    ...(isSmall ? { data } : {}),
  };
}

export function toOutcome({ output, error }: End): Outcome {
  return error === undefined ? { status: 'done', output: output ?? null } : { status: 'error', error };
}

// Errors as data on both sides of a machine: what it is told of a failed task, and what is told of its own failure.

/** A plain object that reads like an Error, so that it can lie in a context and be persisted. */
export function toMachineError(error: ErrorJson): Json {
  return {
    name: error.name ?? 'Error',
    code: error.code,
    message: error.message,
    ...(error.data === undefined ? {} : { data: error.data }),
  };
}

/** What a machine ended with (`snapshot.error`): one of ours that nothing handled, or anything a machine put there. */
export function fromMachineError(error: unknown): ErrorJson {
  return toErrorJson(error, 'MACHINE_THREW');
}

/** Why an input was rejected: a coded error keeps its code, everything else is the machine's fault. */
export function toRejection(thrown: unknown): ErrorJson {
  if (thrown instanceof QuorateError) return toErrorJson(thrown, thrown.code);
  // XState's own words for a macrostep without end.
  if (thrown instanceof Error && thrown.message.startsWith('Infinite loop detected')) {
    return { code: 'MACHINE_LOOPS', message: thrown.message };
  }
  return { ...toErrorJson(thrown, 'MACHINE_THREW'), code: 'MACHINE_THREW' };
}
