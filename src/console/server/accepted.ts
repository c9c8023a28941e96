// Which events a state takes, read from the definition of the machine and the value that the actor is in: those of its states and of all
// that are around them. Guards are not asked, so a machine may still take no notice of one.
import type { Json, JsonObject } from '../../contract/json.ts';

const MOST_DEPTH = 64;

/** In their order by name. Of a definition that is not known: none. */
export function eventsOf(definition: Json | undefined, value: Json): readonly string[] {
  const found = new Set<string>();
  collect(definition, value, found, 0);
  return [...found].filter(isOfUsers).toSorted();
}

/** XState's own events, timers and wildcards are sent by nobody. */
function isOfUsers(type: string): boolean {
  return type !== '' && !type.includes('*') && !type.startsWith('xstate.');
}

function collect(node: Json | undefined, value: Json | undefined, found: Set<string>, depth: number): void {
  if (!isObject(node) || depth > MOST_DEPTH) return;
  const { on, states } = node;
  if (isObject(on)) for (const type of Object.keys(on)) found.add(type);
  if (!isObject(states)) return;
  if (typeof value === 'string') return collect(states[value], undefined, found, depth + 1);
  if (isObject(value))
    for (const [name, inner] of Object.entries(value)) collect(states[name], inner, found, depth + 1);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
