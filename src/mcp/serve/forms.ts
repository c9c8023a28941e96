// A question to a person as a form of MCP: a flat object of texts, numbers and yes or no. What does not fit into one is answered by
// the tool `answer`.
import type { OpenAsk } from '../../contract/asks.ts';
import type { Json, JsonObject } from '../../contract/json.ts';

export interface Form {
  readonly message: string;
  readonly schema: JsonObject;
  /** What was filled in, as the answer to the question. */
  readonly read: (content: JsonObject) => Json;
}

/** What the protocol takes of each kind of field. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  string: ['type', 'title', 'description', 'enum', 'minLength', 'maxLength', 'format', 'default'],
  number: ['type', 'title', 'description', 'minimum', 'maximum', 'default'],
  integer: ['type', 'title', 'description', 'minimum', 'maximum', 'default'],
  boolean: ['type', 'title', 'description', 'default'],
};

export function formOf({ question, schema }: OpenAsk): Form | undefined {
  const whole = schema ?? { type: 'string' };
  const single = fieldOf(whole);
  if (single !== undefined) {
    return {
      message: question,
      schema: { type: 'object', properties: { answer: single }, required: ['answer'] },
      read: ({ answer }) => answer ?? null,
    };
  }
  const { type, properties, required = [] } = whole;
  if (type !== 'object' || typeof properties !== 'object' || properties === null) return undefined;
  const fields = Object.entries(properties).map(([name, given]) => [name, fieldOf(given)] as const);
  if (fields.length === 0 || fields.some(([, field]) => field === undefined)) return undefined;
  return {
    message: question,
    schema: { type: 'object', properties: Object.fromEntries(fields) as JsonObject, required },
    read: (content) => content,
  };
}

/** The broker's side checks the answer by the whole schema; here only what a form can show. */
function fieldOf(given: unknown): JsonObject | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const schema = given as JsonObject;
  const { type = Array.isArray(schema['enum']) ? 'string' : undefined } = schema;
  const known = typeof type === 'string' ? FIELDS[type] : undefined;
  if (known === undefined) return undefined;
  const choices = schema['enum'];
  if (Array.isArray(choices) && !choices.every((one) => typeof one === 'string')) return undefined;
  return {
    ...Object.fromEntries(Object.entries(schema).filter(([name]) => known.includes(name))),
    type: type as string,
  };
}
