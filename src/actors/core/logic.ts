// What the logic behind an invoked name is, and which part of the world the name stands for.
import type { AnyStateMachine } from 'xstate';
import { QuorateError } from '../../contract/errors.ts';
import { SCATTER_LOGIC } from '../../contract/scatter.ts';
import type { Registry } from '../../contract/turn.ts';

// What the logic behind an invoked name is. XState gives its logics no mark, and packages may come in copies, so no instanceof.

type LogicKind = 'machine' | 'scatter' | 'promise' | 'other' | 'none';

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

// Which part of the world an invoked name stands for. Agents win over machines, machines over the machine's own logic,
// so that a deployment can replace a logic by an agent without touching the machine.

/** Deadline of own promise logic that is not configured as an agent: the default of an agent's `deadlineMs`. */
const LOGIC_DEADLINE_MS = 600_000;

export type Source =
  | { readonly kind: 'task'; readonly agent: string; readonly deadlineMs: number; readonly logic?: LogicRef }
  | { readonly kind: 'machine'; readonly type: string }
  | { readonly kind: 'scatter' };

interface LogicRef {
  readonly type: string;
  readonly src: string;
}

export function resolveSource(
  machine: AnyStateMachine,
  type: string,
  src: string,
  registry: Registry,
): Source {
  const agent = agentDeadline(registry, src);
  if (agent !== undefined) return { kind: 'task', agent: src, deadlineMs: agent };
  if (Object.hasOwn(registry.machines, src)) return { kind: 'machine', type: src };
  const own = `${type}.${src}`;
  switch (kindOfLogic(implementedActor(machine, src))) {
    case 'machine':
      return { kind: 'machine', type: own };
    case 'scatter':
      return { kind: 'scatter' };
    case 'promise': {
      const deadlineMs = agentDeadline(registry, own) ?? LOGIC_DEADLINE_MS;
      return { kind: 'task', agent: own, deadlineMs, logic: { type, src } };
    }
    case 'other':
    case 'none':
      throw new QuorateError(
        'AGENT_NOT_FOUND',
        `'${src}' invoked by machine '${type}' is neither an agent, nor a machine, nor promise logic`,
      );
  }
}

/** Own properties only: a source may be called `constructor`. */
export function agentDeadline(registry: Registry, agent: string): number | undefined {
  return Object.hasOwn(registry.agents, agent) ? registry.agents[agent]?.deadlineMs : undefined;
}
