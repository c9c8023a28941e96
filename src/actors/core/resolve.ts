// Which part of the world an invoked name stands for. Agents win over machines, machines over the machine's own logic,
// so that a deployment can replace a logic by an agent without touching the machine.
import type { AnyStateMachine } from 'xstate';
import { QuorateError } from '../../contract/errors.ts';
import type { Registry } from '../../contract/turn.ts';
import { implementedActor, kindOfLogic } from './logic.ts';

/** Deadline of own promise logic that is not configured as an agent: the default of an agent's `deadlineMs`. */
const LOGIC_DEADLINE_MS = 600_000;

export type Source =
  | { readonly kind: 'task'; readonly agent: string; readonly deadlineMs: number; readonly logic?: LogicRef }
  | { readonly kind: 'machine'; readonly type: string }
  | { readonly kind: 'scatter' };

export interface LogicRef {
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
