// Which events a state takes, read from the definition of the machine and the value that the actor is in: those of its states and of all
// that are around them. Guards are not asked, so a machine may still take no notice of one.
import { isJsonObject, type Json } from '../../contract/json.ts';
import { activeNodes } from '../definition.ts';

/** In their order by name. Of a definition that is not known: none. */
export function eventsOf(definition: Json | undefined, value: Json): readonly string[] {
  const { nodes } = activeNodes(definition, value);
  const found = new Set(nodes.flatMap(({ node: { on } }) => (isJsonObject(on) ? Object.keys(on) : [])));
  return [...found].filter(isOfUsers).toSorted();
}

/** XState's own events, timers and wildcards are sent by nobody. */
function isOfUsers(type: string): boolean {
  return type !== '' && !type.includes('*') && !type.startsWith('xstate.');
}
