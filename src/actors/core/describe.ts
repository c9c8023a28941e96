// What a machine is, as data: for declaring its topology, drawing it and registering it with an inspector.
import type { AnyStateMachine } from 'xstate';
import { toDirectedGraph } from 'xstate/graph';
import type { Json } from '../../contract/json.ts';
import type { MachineRef } from '../../contract/turn.ts';
import type { MachineDescription, SourceDescription } from '../../contract/worker.ts';
import { checkDurable } from './durability.ts';
import { implementedActor, kindOfLogic } from './logic.ts';

/** Throws MACHINE_NOT_DURABLE when an actor of this machine could not survive its process. */
export function describeMachine(machine: AnyStateMachine, ref: MachineRef): MachineDescription {
  const invoked = checkDurable(machine, ref.type);
  const names = new Set([...invoked, ...Object.keys(machine.implementations.actors)]);
  return {
    machine: ref,
    id: machine.id,
    definition: toDefinition(machine),
    graph: JSON.parse(JSON.stringify(toDirectedGraph(machine))) as Json,
    events: machine.events.filter((type) => type !== '' && !type.startsWith('xstate.')),
    sources: [...names].map((src) => describeSource(machine, ref, src)),
  };
}

function describeSource(machine: AnyStateMachine, ref: MachineRef, src: string): SourceDescription {
  const logic = implementedActor(machine, src);
  const kind = kindOfLogic(logic);
  switch (kind) {
    case 'promise':
    case 'scatter':
      return { src, kind };
    case 'machine': {
      const child = { ...ref, type: `${ref.type}.${src}`, path: [...ref.path, src] };
      return { src, kind, description: describeMachine(logic as AnyStateMachine, child) };
    }
    case 'other':
    case 'none':
      return { src, kind: 'unresolved' };
  }
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
