// The nodes of a machine's definition that an actor is in, by its state value: the root, and what the value names below it.
import { isJsonObject, type Json, type JsonObject } from '../contract/json.ts';

const MOST_DEPTH = 64;

export interface ActiveNode {
  /** Its path; `the machine` for the root. */
  readonly name: string;
  /** As the machine was configured. */
  readonly node: JsonObject;
}

export interface ActiveNodes {
  /** The root first. */
  readonly nodes: readonly ActiveNode[];
  /** False: the value names a state that is not there. */
  readonly isWhole: boolean;
}

export function activeNodes(definition: Json | undefined, value: Json): ActiveNodes {
  const nodes: ActiveNode[] = [];
  const enter = (node: Json | undefined, inner: Json | undefined, path: readonly string[]): boolean => {
    if (!isJsonObject(node) || path.length > MOST_DEPTH) return false;
    nodes.push({ name: path.join('.') || 'the machine', node });
    const states = isJsonObject(node['states']) ? node['states'] : {};
    return partsOf(inner)
      .map(([name, deeper]) =>
        enter(Object.hasOwn(states, name) ? states[name] : undefined, deeper, [...path, name]),
      )
      .every(Boolean);
  };
  // A machine without states has an empty value.
  return { isWhole: enter(definition, value ?? undefined, []), nodes };
}

function partsOf(value: Json | undefined): readonly (readonly [string, Json | undefined])[] {
  if (typeof value === 'string') return [[value, undefined]];
  return isJsonObject(value) ? Object.entries(value) : [];
}
