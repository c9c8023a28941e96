// A machine whose children do nothing: every named logic is replaced by a stub, so that a child costs a few bytes of the
// persisted snapshot and its input appears in the spawnChild action only. What a name stands for is decided in resolve.ts.
import type { AnyActorLogic, AnyStateMachine, Snapshot } from 'xstate';

/** A macrostep longer than this is a cycle, unless the machine says how long its own may be; XState's default is no limit. */
export const MAX_ITERATIONS = 1_000;
/** What a machine may say: so many microsteps take seconds, as long as a turn may. */
const MOST_ITERATIONS = 100_000;

type Status = 'active' | 'done' | 'error';

const SNAPSHOTS = {
  active: { status: 'active', output: undefined, error: undefined },
  done: { status: 'done', output: undefined, error: undefined },
  error: { status: 'error', output: undefined, error: undefined },
} as const satisfies Record<Status, Snapshot<unknown>>;

/** A child's status is all that its parent keeps of it. */
export function childSnapshot(status: Status): Snapshot<unknown> {
  return SNAPSHOTS[status];
}

export const INERT_LOGIC: AnyActorLogic = {
  transition: (snapshot) => snapshot,
  getInitialSnapshot: () => SNAPSHOTS.active,
  getPersistedSnapshot: (snapshot) => snapshot,
  restoreSnapshot: (persisted) => childSnapshot((persisted as { status: Status }).status),
};

const clones = new WeakMap<AnyStateMachine, AnyStateMachine>();

export function toInertMachine(machine: AnyStateMachine): AnyStateMachine {
  const known = clones.get(machine);
  if (known !== undefined) return known;
  const clone = machine.provide({});
  // A proxy, not a list: agents and registered machines are invoked by names that the machine does not implement.
  clone.implementations.actors = new Proxy({}, { get: () => INERT_LOGIC });
  const own = clone.options?.maxIterations ?? Infinity;
  clone.options = {
    ...clone.options,
    maxIterations: Number.isFinite(own) ? Math.min(own, MOST_ITERATIONS) : MAX_ITERATIONS,
  };
  clones.set(machine, clone);
  return clone;
}
