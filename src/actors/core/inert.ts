// A machine whose children do nothing: every named logic is replaced by a stub, so that a child costs a few bytes of the
// persisted snapshot and its input appears in the spawnChild action only. What a name stands for is decided in resolve.ts.
import type { AnyActorLogic, AnyStateMachine } from 'xstate';

/** A macrostep longer than this is a cycle; XState's own limit is none at all. */
export const MAX_ITERATIONS = 1_000;

const CHILD_SNAPSHOT = { status: 'active', output: undefined, error: undefined } as const;

export const INERT_LOGIC: AnyActorLogic = {
  transition: (snapshot) => snapshot,
  getInitialSnapshot: () => CHILD_SNAPSHOT,
  getPersistedSnapshot: () => CHILD_SNAPSHOT,
  restoreSnapshot: () => CHILD_SNAPSHOT,
};

const clones = new WeakMap<AnyStateMachine, AnyStateMachine>();

export function toInertMachine(machine: AnyStateMachine): AnyStateMachine {
  const known = clones.get(machine);
  if (known !== undefined) return known;
  const clone = machine.provide({});
  // A proxy, not a list: agents and registered machines are invoked by names that the machine does not implement.
  clone.implementations.actors = new Proxy({}, { get: () => INERT_LOGIC });
  clone.options = {
    ...clone.options,
    maxIterations: Math.min(clone.options?.maxIterations ?? MAX_ITERATIONS, MAX_ITERATIONS),
  };
  clones.set(machine, clone);
  return clone;
}
