// What a saga is made of, what it asks its agents, what is known of it at any time, and what each step does to that: pure functions,
// so that the machine in saga.ts is only its shape.
import type { Json } from '../contract/json.ts';
import type { ErrorJson } from '../contract/outcome.ts';
import type { PatternMachine } from './pattern-machine.ts';

export interface SagaStep<Name extends string = string> {
  /** Names the states `do.<name>` and `undo.<name>`: a letter, then letters, digits, _ and -. */
  readonly name: Name;
  readonly agent: string;
  /** The agent that undoes it. Without one there is nothing to undo. */
  readonly compensate?: string;
  /**
   * Whether the step is undone when it fails itself. Default true: a step that failed may be half done, and one that timed
   * out may be wholly done, so a compensation must take a step that left nothing. False is for steps that are atomic.
   */
  readonly compensateOnFailure?: boolean;
  /** Given to both agents as `data`: what tells apart steps that share an agent. */
  readonly input?: Json;
}

/** What a step's agent is asked with. */
export interface SagaTask<Input = Json, Results = Record<string, Json>> {
  readonly input: Input;
  readonly step: string;
  /** Of the steps done so far. */
  readonly results: Partial<Results>;
  readonly data?: Json;
}

/** What a compensation is asked with. `results` lacks its own step when that never ended well. */
export interface CompensationTask<Input = Json, Results = Record<string, Json>>
  extends SagaTask<Input, Results> {
  /** From 1. */
  readonly attempt: number;
  /** Why there is something to undo; absent when the saga was cancelled. */
  readonly failure?: SagaFailure;
}

export interface SagaFailure {
  readonly step: string;
  readonly error: ErrorJson;
}

/** A compensation that failed for good: for a person to do. */
export interface LeftToDo extends SagaFailure {
  /** The agent that should have undone it. */
  readonly compensate: string;
}

export type SagaStatus = 'running' | 'compensating' | 'done' | 'compensated' | 'compensation-failed';

export interface SagaContext<Input = Json, Results = Record<string, Json>> {
  readonly input: Input;
  readonly status: SagaStatus;
  /** Being done or undone; null at the end. */
  readonly step: string | null;
  readonly completed: readonly string[];
  readonly compensated: readonly string[];
  readonly left: readonly LeftToDo[];
  readonly results: Partial<Results>;
  readonly failure: SagaFailure | null;
  /** Somebody asked for it; the running step is let to end first. */
  readonly cancelled: boolean;
  /** Of the compensation under way. */
  readonly attempt: number;
}

interface UndoneSaga<Results> {
  readonly completed: readonly string[];
  readonly compensated: readonly string[];
  readonly results: Partial<Results>;
  /** Null when it was cancelled and no step failed. */
  readonly failure: SagaFailure | null;
  readonly cancelled: boolean;
}

export type SagaOutput<Results = Record<string, Json>> =
  | { readonly status: 'done'; readonly completed: readonly string[]; readonly results: Results }
  | (UndoneSaga<Results> & { readonly status: 'compensated' })
  | (UndoneSaga<Results> & {
      readonly status: 'compensation-failed';
      readonly left: readonly LeftToDo[];
    });

/** Undoes the saga once the running step has ended; without effect when it is undone already. */
export interface CancelSaga {
  readonly type: 'cancel';
}

export type SagaMachine<Input = Json, Results = Record<string, Json>> = PatternMachine<{
  context: SagaContext<Input, Results>;
  event: CancelSaga;
  value:
    | 'done'
    | 'compensated'
    | 'compensationFailed'
    | { readonly do: string }
    | { readonly undo: { readonly [step: string]: 'attempting' | 'waiting' } };
  tag: SagaStatus;
  input: Input;
  output: SagaOutput<Results>;
}>;

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
