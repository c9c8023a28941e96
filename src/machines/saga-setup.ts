// What the names in a saga's states mean: its actions, guards, delay and agents.
import { assign, setup } from 'xstate';
import type { Json } from '../contract/json.ts';
import { agent } from './agent.ts';
import { errorOf, outputOf } from './events.ts';
import type { SagaOptions } from './saga-options.ts';
import { complete, leave } from './saga-steps.ts';
import type { CancelSaga, SagaContext, SagaOutput, SagaStatus, SagaStep } from './saga-types.ts';

interface StepParams extends Record<string, unknown> {
  readonly step: string;
}

export function setupSaga({ steps, compensationAttempts, backoffMs, maxBackoffMs }: Required<SagaOptions>) {
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
