// An answer as a person types it: read by the schema of its question, asked for where there is a terminal.
import type { OpenAsk } from '../../contract/asks.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Json, JsonObject } from '../../contract/json.ts';

const YES = /^(y|yes|true)$/i;
const NO = /^(n|no|false)$/i;

/** A text stays a text where one is asked for; what else is asked for is read as JSON, and yes and no as what they mean. */
export function readAnswer(text: string, schema: JsonObject | undefined): Json {
  const types = typesOf(schema);
  if (types.includes('string')) return text;
  if (types.includes('boolean') && YES.test(text)) return true;
  if (types.includes('boolean') && NO.test(text)) return false;
  try {
    return JSON.parse(text) as Json;
  } catch {
    if (types.length === 0) return text;
    throw new QuorateError('ANSWER_INVALID', `'${text}' is no ${named(types)}; give it as JSON`);
  }
}

function typesOf(schema: JsonObject | undefined): readonly Json[] {
  const { type = [], enum: values } = schema ?? {};
  if (Array.isArray(type) && type.length === 0 && Array.isArray(values))
    return values.map((one) => typeof one);
  return Array.isArray(type) ? (type as readonly Json[]) : [type];
}

function named(type: Json): string {
  return Array.isArray(type)
    ? (type as readonly Json[]).map(named).join(' or ')
    : JSON.stringify(type).replaceAll('"', '');
}

/** What is asked for, in a few words. */
export function describeAnswer({ choices, schema }: Pick<OpenAsk, 'choices' | 'schema'>): string {
  if (choices !== undefined) return choices.join(' | ');
  const { type, enum: values, properties, required } = schema ?? {};
  if (Array.isArray(values)) return values.map((one) => JSON.stringify(one)).join(' | ');
  if (type === 'string' || schema === undefined) return schema === undefined ? 'JSON' : 'a text';
  if (type === 'boolean') return 'yes | no';
  if (type !== 'object' || typeof properties !== 'object' || properties === null)
    return `JSON: ${type === undefined ? 'any' : named(type)}`;
  const needed = Array.isArray(required) ? (required as readonly Json[]) : [];
  const fields = Object.entries(properties as JsonObject).map(([name, of]) => {
    const { type: kind = 'value' } = (of ?? {}) as { readonly type?: Json };
    return `"${name}"${needed.includes(name) ? '' : '?'}: ${named(kind)}`;
  });
  return `{ ${fields.join(', ')} }`;
}

/** Throws USAGE where there is nobody to ask. */
export async function askForAnswer(question: OpenAsk, shown: readonly string[]): Promise<string> {
  if (!process.stdin.isTTY)
    throw new QuorateError('USAGE', `There is nobody to ask; pass the answer: ${describeAnswer(question)}.`);
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await prompt.question(`${shown.join('\n')}\n\n> `)).trim();
  } finally {
    prompt.close();
  }
}
