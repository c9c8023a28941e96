// A saga: ordered steps that are undone in reverse order when one fails. The states are made from the steps, so that a
// drawing shows `do.<step>` and `undo.<step>`. How it ended is data and no error: a saga that undid itself has done its work.
import { assign, setup } from 'xstate';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import type { ErrorJson } from '../contract/outcome.ts';
import { agent } from './agent.ts';
import { errorOf, outputOf, type PatternMachine } from './pattern-machine.ts';

// The steps of a saga, what its agents are asked, its context, and what each step changes in that. These are pure functions,
// so that the machine below is only its shape.

/** One step of a saga: what it is called, which agent does it, and which one undoes it. */
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
  /** Results of the steps done so far. */
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

interface SagaFailure {
  readonly step: string;
  readonly error: ErrorJson;
}

/** A compensation that failed on every attempt: a person has to do it. */
interface LeftToDo extends SagaFailure {
  /** The agent that should have undone it. */
  readonly compensate: string;
}

type SagaStatus = 'running' | 'compensating' | 'done' | 'compensated' | 'compensation-failed';

/** What a saga knows while it runs; `query` shows it. */
export interface SagaContext<Input = Json, Results = Record<string, Json>> {
  readonly input: Input;
  readonly status: SagaStatus;
  /** The step that is being done or undone; null at the end. */
  readonly step: string | null;
  readonly completed: readonly string[];
  readonly compensated: readonly string[];
  readonly left: readonly LeftToDo[];
  readonly results: Partial<Results>;
  readonly failure: SagaFailure | null;
  /** The saga was cancelled; the running step may end first. */
  readonly cancelled: boolean;
  /** Attempt of the compensation under way. */
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

/** How a saga ended. `left` names what a person has to undo. */
export type SagaOutput<Results = Record<string, Json>> =
  | { readonly status: 'done'; readonly completed: readonly string[]; readonly results: Results }
  | (UndoneSaga<Results> & { readonly status: 'compensated' })
  | (UndoneSaga<Results> & {
      readonly status: 'compensation-failed';
      readonly left: readonly LeftToDo[];
    });

/** Undoes the saga once the running step has ended; without effect when it is undone already. */
interface CancelSaga {
  readonly type: 'cancel';
}

/** What `saga` gives: input, output, states and tags are exact. */
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

type UndoableStep = SagaStep & { readonly compensate: string };

function newSaga(input: Json): SagaContext {
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
function undoOrder(steps: readonly SagaStep[]): UndoableStep[] {
  return steps.filter((step): step is UndoableStep => step.compensate !== undefined).toReversed();
}

/** What there is to undo after `step` failed. */
function undoneOnFailure(steps: readonly SagaStep[], step: SagaStep): UndoableStep[] {
  const before = steps.slice(0, steps.indexOf(step));
  return undoOrder(step.compensateOnFailure === false ? before : [...before, step]);
}

function toTask({ input, results }: SagaContext, { name, input: data }: SagaStep): SagaTask {
  return { input, step: name, results, ...(data === undefined ? {} : { data }) };
}

function toCompensation(context: SagaContext, step: SagaStep): CompensationTask {
  const { attempt, failure } = context;
  return { ...toTask(context, step), attempt, ...(failure === null ? {} : { failure }) };
}

function complete(
  { completed, results }: SagaContext,
  step: string,
  output: Json | undefined,
): Partial<SagaContext> {
  return { completed: [...completed, step], results: { ...results, [step]: output ?? null } };
}

function leave({ left }: SagaContext, item: LeftToDo): Partial<SagaContext> {
  return { left: [...left, item] };
}

function toOutput(context: SagaContext): SagaOutput {
  const { status, completed, compensated, results, failure, cancelled, left } = context;
  if (status === 'done') return { status, completed, results: results as Record<string, Json> };
  const undone = { completed, compensated, results, failure, cancelled };
  if (left.length === 0) return { status: 'compensated', ...undone };
  return { status: 'compensation-failed', ...undone, left };
}

/** The steps of a saga, and how often a compensation is tried. Times are in ms. */
export interface SagaOptions<Name extends string = string> {
  /** Default `saga`. */
  readonly id?: string;
  /** In the order in which they are done; each agent gets a `SagaTask`. */
  readonly steps: readonly SagaStep<Name>[];
  /** Attempts at each compensation, the first included; on top of those of its agent. Default 3. */
  readonly compensationAttempts?: number;
  /** Before the second attempt, in ms; doubles each time. Default 1,000. */
  readonly backoffMs?: number;
  /** Default 60,000. */
  readonly maxBackoffMs?: number;
}

/**
 * Makes a machine of ordered steps. When a step fails, the compensations run in reverse order, that of the failed step included. It always
 * ends with an output, with status `'done'`, `'compensated'` or `'compensation-failed'`. docs/patterns.md has its drawing.
 *
 * The event `cancel` undoes what was done, once the running step has ended. `Input` is the machine's input; `Results` maps the names of
 * the steps to what their agents answer. Each agent is asked with a `SagaTask`, each compensation with a `CompensationTask`.
 *
 * @throws CONFIG_INVALID for steps that have one name, or a name that cannot be a state.
 * @example
 * ```ts
 * export const booking = saga<Trip, { flight: string; hotel: string }>({
 *   id: 'booking',
 *   steps: [
 *     { name: 'flight', agent: 'bookFlight', compensate: 'cancelFlight' },
 *     { name: 'hotel', agent: 'bookHotel', compensate: 'cancelHotel' },
 *   ],
 * });
 * ```
 */
export function saga<Input = Json, Results extends object = Record<string, Json>>(
  options: SagaOptions<keyof Results & string>,
): SagaMachine<Input, Results> {
  const checked = checkSagaOptions(options);
  const { id, steps } = checked;
  const order = undoOrder(steps);
  const base = setupSaga(checked);

  const toUndo = ([first]: readonly UndoableStep[]): string =>
    first === undefined ? `#${id}.compensated` : `#${id}.undo.${first.name}`;

  const doing = (step: SagaStep, index: number) => {
    const params = { step: step.name };
    const next = steps[index + 1];
    return base.createStateConfig({
      entry: { type: 'begin', params },
      invoke: {
        id: `do.${step.name}`,
        src: step.agent,
        input: ({ context }) => toTask(context, step) as unknown as Json,
        onDone: [
          {
            guard: 'cancelled',
            target: toUndo(undoOrder(steps.slice(0, index + 1))),
            actions: { type: 'complete', params },
          },
          { target: next === undefined ? `#${id}.done` : next.name, actions: { type: 'complete', params } },
        ],
        onError: { target: toUndo(undoneOnFailure(steps, step)), actions: { type: 'fail', params } },
      },
    });
  };

  const undoing = (step: UndoableStep, index: number) => {
    const actions = { type: 'undone', params: { step: step.name } } as const;
    const next = order[index + 1]?.name;
    return base.createStateConfig({
      entry: { type: 'beginUndo', params: { step: step.name } },
      initial: 'attempting',
      states: {
        attempting: {
          // A compensation that has begun is done to its end, also where the saga is stopped meanwhile.
          meta: { cancel: 'ignore' },
          invoke: {
            id: `undo.${step.name}`,
            src: step.compensate,
            input: ({ context }) => toCompensation(context, step) as unknown as Json,
            onDone:
              next === undefined
                ? [
                    { guard: 'somethingLeft', target: `#${id}.compensationFailed`, actions },
                    { target: `#${id}.compensated`, actions },
                  ]
                : { target: `#${id}.undo.${next}`, actions },
            onError: [
              { guard: 'attemptsLeft', target: 'waiting', actions: 'retry' },
              {
                target: next === undefined ? `#${id}.compensationFailed` : `#${id}.undo.${next}`,
                actions: { type: 'leave', params: { step: step.name } },
              },
            ],
          },
        },
        waiting: { after: { backoff: 'attempting' } },
      },
    });
  };

  const end = (status: SagaStatus) =>
    base.createStateConfig({
      type: 'final',
      tags: status,
      entry: { type: 'end', params: { status } },
      output: ({ context }) => toOutput(context),
    });

  const machine = base.createMachine({
    id,
    // Also called without input, when a snapshot is restored.
    context: ({ input }) => newSaga(input ?? null),
    initial: 'do',
    states: {
      do: {
        tags: 'running',
        initial: steps[0]?.name ?? '',
        on: { cancel: { actions: 'cancel' } },
        states: Object.fromEntries(steps.map((step, index) => [step.name, doing(step, index)])),
      },
      ...(order[0] === undefined
        ? {}
        : {
            undo: {
              tags: 'compensating',
              initial: order[0].name,
              states: Object.fromEntries(order.map((step, index) => [step.name, undoing(step, index)])),
            },
          }),
      done: end('done'),
      compensated: end('compensated'),
      compensationFailed: end('compensation-failed'),
    },
    output: ({ event }) => outputOf(event) as SagaOutput,
  });
  return machine as unknown as SagaMachine<Input, Results>;
}

const DEFAULTS = { id: 'saga', compensationAttempts: 3, backoffMs: 1_000, maxBackoffMs: 60_000 } as const;

/** They become parts of state ids, in which a dot would be a level. */
const NAME = /^[a-zA-Z][\w-]*$/;

function checkSagaOptions(given: SagaOptions): Required<SagaOptions> {
  const options = { ...DEFAULTS, ...given };
  const { id, steps, compensationAttempts, backoffMs, maxBackoffMs } = options;
  const refuse = (why: string): never => {
    throw new QuorateError('CONFIG_INVALID', `saga '${id}': ${why}`);
  };
  const names = steps.map(({ name }) => name);
  if (names.length === 0) refuse('steps: at least one');
  const odd = [id, ...names].find((name) => !NAME.test(name));
  if (odd !== undefined) refuse(`'${odd}': ids and names are a letter, then letters, digits, _ and -`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) refuse(`step '${twice}' is there twice`);
  if (!Number.isInteger(compensationAttempts) || compensationAttempts < 1)
    refuse('compensationAttempts: at least 1');
  if (!(backoffMs >= 0 && maxBackoffMs >= 0)) refuse('backoffMs and maxBackoffMs: at least 0');
  return options;
}

interface StepParams extends Record<string, unknown> {
  readonly step: string;
}

/** What the names in the states mean: actions, guards, the delay and the agents. */
function setupSaga({ steps, compensationAttempts, backoffMs, maxBackoffMs }: Required<SagaOptions>) {
  const compensations = new Map(steps.map(({ name, compensate }) => [name, compensate]));
  return setup({
    types: {
      context: {} as SagaContext,
      events: {} as CancelSaga,
      input: null as Json,
      output: {} as SagaOutput,
      tags: {} as SagaStatus,
    },
    actors: Object.fromEntries(agentsOf(steps).map((name) => [name, agent()])),
    actions: {
      begin: assign((_, { step }: StepParams) => ({ step })),
      complete: assign(({ context, event }, { step }: StepParams) =>
        complete(context, step, outputOf(event) as Json | undefined),
      ),
      fail: assign(({ event }, { step }: StepParams) => ({ failure: { step, error: errorOf(event) } })),
      cancel: assign({ cancelled: true }),
      beginUndo: assign((_, { step }: StepParams) => ({ status: 'compensating' as const, step, attempt: 1 })),
      retry: assign({ attempt: ({ context }) => context.attempt + 1 }),
      undone: assign(({ context }, { step }: StepParams) => ({
        compensated: [...context.compensated, step],
      })),
      leave: assign(({ context, event }, { step }: StepParams) =>
        leave(context, { step, compensate: compensations.get(step) ?? '', error: errorOf(event) }),
      ),
      end: assign((_, { status }: { status: SagaStatus }) => ({ status, step: null })),
    },
    guards: {
      cancelled: ({ context }) => context.cancelled,
      attemptsLeft: ({ context }) => context.attempt < compensationAttempts,
      somethingLeft: ({ context }) => context.left.length > 0,
    },
    delays: {
      // `attempt` is the one to come: the second waits the plain time.
      backoff: ({ context }) => Math.min(backoffMs * 2 ** (context.attempt - 2), maxBackoffMs),
    },
  });
}

function agentsOf(steps: readonly SagaStep[]): string[] {
  return steps.flatMap(({ agent: name, compensate }) =>
    compensate === undefined ? [name] : [name, compensate],
  );
}
