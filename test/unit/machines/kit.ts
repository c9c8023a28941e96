// What the tests of the machines share: an actor of a plain machine, its clock, and its end as data.
import type { Actor, AnyStateMachine, InputFrom, OutputFrom } from 'xstate';
import { createActor, fromPromise, SimulatedClock } from 'xstate';
import type { Json } from '../../../src/contract/json.ts';

export type End<M extends AnyStateMachine> =
  | { readonly status: 'done'; readonly output: OutputFrom<M> }
  | { readonly status: 'error'; readonly error: unknown };

export interface Running<M extends AnyStateMachine> {
  readonly actor: Actor<M>;
  readonly clock: SimulatedClock;
  readonly end: Promise<End<M>>;
}

export function start<M extends AnyStateMachine>(machine: M, input: InputFrom<M>): Running<M> {
  const clock = new SimulatedClock();
  const actor = createActor(machine as AnyStateMachine, { input, clock }) as Actor<M>;
  const { promise: end, resolve } = Promise.withResolvers<End<M>>();
  actor.subscribe({
    complete: () =>
      resolve({ status: 'done', output: (actor.getSnapshot() as { output: OutputFrom<M> }).output }),
    error: (error: unknown) => resolve({ status: 'error', error }),
  });
  actor.start();
  return { actor, clock, end };
}

export async function outputOf<M extends AnyStateMachine>({ end }: Running<M>): Promise<OutputFrom<M>> {
  const ended = await end;
  if (ended.status === 'error') throw ended.error;
  return ended.output;
}

/** Promise logic that does what `work` does with its input. */
export function doing<Input>(work: (input: Input) => unknown) {
  return fromPromise<Json, Input>(async ({ input }) => (await work(input)) as Json);
}

export function coded(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}
