// What a machine is, as data: for declaring its topology, drawing it and registering it with an inspector.
import type { AnyStateMachine } from 'xstate';
import { toDirectedGraph } from 'xstate/graph';
import { QuorateError } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import { SCATTER_VALID } from '../../contract/scatter.ts';
import type { MachineRef } from '../../contract/turn.ts';
import type { MachineDescription, SourceDescription } from '../../contract/worker.ts';
import { asksPeople, checkQuestions } from './ask-meta.ts';
import type { Sources } from './durability.ts';
import { checkDurable, isBuiltIn } from './durability.ts';
import { exportedCheck, type ModuleExports } from './gather.ts';
import { implementedActor, kindOfLogic, nameOfLogic } from './logic.ts';

/**
 * `exports`: of the module of the machine. Throws ASK_INVALID, MACHINE_NOT_DURABLE when an actor of this machine could not survive its process, and
 * MODULE_NOT_LOADED when its policies name what the module does not export.
 */
export function describeMachine(
  machine: AnyStateMachine,
  ref: MachineRef,
  exports: ModuleExports = {},
): MachineDescription {
  const invoked = checkDurable(machine, ref.type);
  checkQuestions(machine, ref.type);
  const names = new Set([...invoked.keys(), ...Object.keys(machine.implementations.actors)]);
  return {
    machine: ref,
    id: machine.id,
    definition: toDefinition(machine),
    graph: JSON.parse(JSON.stringify(toDirectedGraph(machine))) as Json,
    events: machine.events.filter((type) => type !== '' && !type.startsWith('xstate.')),
    hasActions: Object.values(machine.implementations.actions).some((action) => !isBuiltIn(action)),
    ...(asksPeople(machine) ? { asks: true as const } : {}),
    sources: [...names].map((src) => describeSource(machine, ref, src, invoked, exports)),
  };
}

function describeSource(
  machine: AnyStateMachine,
  ref: MachineRef,
  src: string,
  invoked: Sources,
  exports: ModuleExports,
): SourceDescription {
  const logic = implementedActor(machine, src);
  const kind = kindOfLogic(logic);
  switch (kind) {
    case 'scatter':
      refuseUnexported(logic, src, ref, exports);
      return { src, kind };
    case 'promise':
      return { src, kind };
    case 'machine': {
      const child = { ...ref, type: `${ref.type}.${src}`, path: [...ref.path, src] };
      return { src, kind, description: describeMachine(logic as AnyStateMachine, child, exports) };
    }
    case 'other':
    case 'none': {
      const where = invoked.get(src) ?? `setup({ actors }) of machine '${ref.type}'`;
      return {
        src,
        kind: 'unresolved',
        error: kind === 'none' ? missing(src, where) : alien(src, where, logic),
      };
    }
  }
}

/** A policy that is known now. Of one that the machine makes when it invokes, its plan says so. */
function refuseUnexported(logic: unknown, src: string, ref: MachineRef, exports: ModuleExports): void {
  const { [SCATTER_VALID]: name } = logic as { readonly [SCATTER_VALID]?: string };
  if (name === undefined || exportedCheck(name, exports) !== undefined) return;
  throw new QuorateError(
    'MODULE_NOT_LOADED',
    `machine '${ref.type}': the policy of '${src}' names '${name}' as valid, and ${ref.module} exports no such function`,
  );
}

function missing(src: string, where: string): ErrorJson {
  const message = `${where}: nothing is called '${src}'; add an agent or a machine of that name to the configuration, or implement it with fromPromise`;
  return { code: 'AGENT_NOT_FOUND', message };
}

function alien(src: string, where: string, logic: unknown): ErrorJson {
  const name = nameOfLogic(logic);
  if (name === 'agent()') {
    const message = `${where}: '${src}' is agent(), which stands for the agent of that name; add it to \`agents\` in the configuration`;
    return { code: 'AGENT_NOT_FOUND', message };
  }
  const message = `${where}: '${src}' is ${name} logic, which lives in one process only; register an agent '${src}' in its place, or write it with fromPromise or as a machine`;
  return { code: 'MACHINE_NOT_DURABLE', message };
}

/** The configuration as JSON: what `createMachine` accepts again, with functions by their names. */
function toDefinition(machine: AnyStateMachine): Json {
  const text = JSON.stringify(machine.config, (_key, value: unknown) =>
    typeof value === 'function' ? { type: nameOf(value) } : value,
  );
  return JSON.parse(text) as Json;
}

/** Built-in action creators carry their type (`xstate.assign`). */
function nameOf(fn: object): string {
  const { type, name } = fn as { type?: unknown; name?: unknown };
  if (typeof type === 'string') return type;
  return typeof name === 'string' && name !== '' ? name : 'inline';
}
