// What each step of a saga does to its context, and the order of its compensations: pure functions beside the machine.
import type { Json } from '../contract/json.ts';
import type {
  CompensationTask,
  LeftToDo,
  SagaContext,
  SagaOutput,
  SagaStep,
  SagaTask,
} from './saga-types.ts';

export type UndoableStep = SagaStep & { readonly compensate: string };

export function newSaga(input: Json): SagaContext {
  return {
    input,
    status: 'running',
    step: null,
    completed: [],
    compensated: [],
    left: [],
    results: {},
    failure: null,
    cancelled: false,
    attempt: 0,
  };
}

/** Steps that can be undone, the last one first. */
export function undoOrder(steps: readonly SagaStep[]): UndoableStep[] {
  return steps.filter((step): step is UndoableStep => step.compensate !== undefined).toReversed();
}

/** What there is to undo after `step` failed. */
export function undoneOnFailure(steps: readonly SagaStep[], step: SagaStep): UndoableStep[] {
  const before = steps.slice(0, steps.indexOf(step));
  return undoOrder(step.compensateOnFailure === false ? before : [...before, step]);
}

export function toTask({ input, results }: SagaContext, { name, input: data }: SagaStep): SagaTask {
  return { input, step: name, results, ...(data === undefined ? {} : { data }) };
}

export function toCompensation(context: SagaContext, step: SagaStep): CompensationTask {
  const { attempt, failure } = context;
  return { ...toTask(context, step), attempt, ...(failure === null ? {} : { failure }) };
}

export function complete(
  { completed, results }: SagaContext,
  step: string,
  output: Json | undefined,
): Partial<SagaContext> {
  return { completed: [...completed, step], results: { ...results, [step]: output ?? null } };
}

export function leave({ left }: SagaContext, item: LeftToDo): Partial<SagaContext> {
  return { left: [...left, item] };
}

export function toOutput(context: SagaContext): SagaOutput {
  const { status, completed, compensated, results, failure, cancelled, left } = context;
  if (status === 'done') return { status, completed, results: results as Record<string, Json> };
  const undone = { completed, compensated, results, failure, cancelled };
  if (left.length === 0) return { status: 'compensated', ...undone };
  return { status: 'compensation-failed', ...undone, left };
}
