// What the logic behind an invoked name is. XState gives its logics no mark, and packages may come in copies, so no instanceof.
import type { AnyStateMachine } from 'xstate';
import { SCATTER_LOGIC } from '../../contract/scatter.ts';

export type LogicKind = 'machine' | 'scatter' | 'promise' | 'other' | 'none';

export function kindOfLogic(logic: unknown): LogicKind {
  if (typeof logic !== 'object' || logic === null) return 'none';
  if ((logic as { [SCATTER_LOGIC]?: unknown })[SCATTER_LOGIC] === true) return 'scatter';
  if ('__xstatenode' in logic) return 'machine';
  return resolvesLikeAPromise(logic) ? 'promise' : 'other';
}

/** Only `fromPromise` ends at a resolve event: callbacks throw without an instance, observables and reducers stay active. */
function resolvesLikeAPromise(logic: object): boolean {
  const { transition } = logic as { transition?: (...args: unknown[]) => { status?: unknown } };
  try {
    const next = transition?.(
      { status: 'active' },
      { type: 'xstate.promise.resolve', data: null },
      { self: {} },
    );
    return next?.status === 'done';
  } catch {
    return false;
  }
}

/** Named logic of a machine, as its author gave it. */
export function implementedActor(machine: AnyStateMachine, src: string): unknown {
  const actors: Readonly<Record<string, unknown>> = machine.implementations.actors;
  return Object.hasOwn(actors, src) ? actors[src] : undefined;
}
