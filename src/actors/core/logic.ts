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

/** In words, for the author who has to write something else. */
export function nameOfLogic(logic: unknown): 'agent()' | 'callback' | 'observable' | 'transition' | 'other' {
  if (typeof logic !== 'object' || logic === null || !('start' in logic)) return 'transition';
  if (endsAt(logic, 'xstate.observable.complete') === 'done') return 'observable';
  if (endsAt(logic, 'xstate.promise.reject') === 'error') return 'agent()';
  return endsAt(logic, 'xstate.promise.resolve') === undefined ? 'callback' : 'other';
}

/** Only `fromPromise` ends at a resolve event: callbacks throw without an instance, observables and reducers stay active. */
function resolvesLikeAPromise(logic: object): boolean {
  return endsAt(logic, 'xstate.promise.resolve') === 'done';
}

/** The status after an event that only one kind of logic knows; undefined when it throws. */
function endsAt(logic: object, type: string): unknown {
  const { transition } = logic as { transition?: (...args: unknown[]) => { status?: unknown } };
  try {
    return transition?.({ status: 'active' }, { type, data: null }, { self: {} })?.status;
  } catch {
    return undefined;
  }
}

/** Named logic of a machine, as its author gave it. */
export function implementedActor(machine: AnyStateMachine, src: string): unknown {
  const actors: Readonly<Record<string, unknown>> = machine.implementations.actors;
  return Object.hasOwn(actors, src) ? actors[src] : undefined;
}
