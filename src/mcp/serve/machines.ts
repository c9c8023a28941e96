// What a configuration serves: its machine types, as their modules describe themselves. `description` of a machine is XState's own;
// `meta.input` of its root is the JSON Schema of its input.
import type { JsonObject } from '../../contract/json.ts';
import type { MachineDescription } from '../../contract/worker.ts';

export interface ServedMachine {
  readonly type: string;
  readonly description: string | undefined;
  /** JSON Schema of what it is started with; undefined where it does not say. */
  readonly input: JsonObject | undefined;
  /** Types of the events that it takes from outside. */
  readonly events: readonly string[];
}

/** In an order that does not change, for clients keep what they are told in caches. Child machines are started by their parents alone. */
export function servedOf(
  described: Iterable<MachineDescription>,
  types: readonly string[],
): readonly ServedMachine[] {
  const known = new Map([...described].map((one) => [one.machine.type, one]));
  return types
    .toSorted((one, other) => (one < other ? -1 : 1))
    .flatMap((type) => {
      const found = known.get(type);
      if (found === undefined) return [];
      const { description, meta } = recordOf(found.definition);
      const { input } = recordOf(meta);
      return [
        {
          type,
          description: typeof description === 'string' ? description : undefined,
          input:
            typeof input === 'object' && input !== null && !Array.isArray(input)
              ? (input as JsonObject)
              : undefined,
          events: found.events.filter((event) => !/^(xstate|quorate)\.|^\*$/.test(event)).toSorted(),
        },
      ];
    });
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
