// Ordered steps, and their undoing in reverse order when one fails. The states are made from the steps, so that a drawing
// shows `do.<step>` and `undo.<step>`. How it ended is data: a saga that undid itself has done what it is there for.
import { assign, setup } from 'xstate';
import { QuorateError } from '../contract/errors.ts';
import type { Json } from '../contract/json.ts';
import { agent } from './agent.ts';
import { errorOf, outputOf } from './events.ts';
import {
  type CancelSaga,
  complete,
  leave,
  newSaga,
  type SagaContext,
  type SagaMachine,
  type SagaOutput,
  type SagaStatus,
  type SagaStep,
  toCompensation,
  toOutput,
  toTask,
  type UndoableStep,
  undoneOnFailure,
  undoOrder,
} from './saga-steps.ts';

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

/** `Results` maps the names of the steps to what their agents answer. */
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
