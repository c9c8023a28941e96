// Ordered steps, and their undoing in reverse order when one fails. The states are made from the steps, so that a drawing
// shows `do.<step>` and `undo.<step>`. How it ended is data: a saga that undid itself has done what it is there for.
import type { Json } from '../contract/json.ts';
import { outputOf } from './events.ts';
import type { SagaOptions } from './saga-options.ts';
import { checkSagaOptions } from './saga-options.ts';
import { setupSaga } from './saga-setup.ts';
import type { UndoableStep } from './saga-steps.ts';
import { newSaga, toCompensation, toOutput, toTask, undoneOnFailure, undoOrder } from './saga-steps.ts';
import type { SagaMachine, SagaOutput, SagaStatus, SagaStep } from './saga-types.ts';

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
