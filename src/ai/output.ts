// The answer of a model as a value of a schema: any that follows Standard Schema (zod, valibot, arktype). The model is told its JSON
// Schema; what comes back is parsed and checked here. What does not fit was paid for all the same, and the next try may fit.
import type * as Ai from 'ai';
import { QuorateError } from '../contract/errors.ts';
import { cutText } from '../contract/sizes.ts';
import { ending } from './endings.ts';

interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type Checked<O> = { readonly value: O; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/** As https://standardschema.dev says. */
export interface OutputSchema<O> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Checked<O> | Promise<Checked<O>>;
    readonly types?: { readonly input: unknown; readonly output: O } | undefined;
  };
}

const SHOWN_ISSUES = 3;
const MAX_ISSUE_BYTES = 200;
/** What models put around JSON that they were not made to give. */
const FENCE = /^\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*$/s;

/**
 * What `ai` is told: the format. It gives a piece only when what is parsed of the text has changed. To parse all of it again with each piece
 * is what nobody needs, so the length stands for it.
 */
export async function toFormat(
  ai: typeof Ai,
  schema: OutputSchema<unknown>,
  jsonSchema: Readonly<Record<string, unknown>> | undefined,
): Promise<Ai.OutputInterface<string, string, never>> {
  const known = jsonSchema ?? (await jsonSchemaOf(ai, schema));
  return {
    name: 'object',
    responseFormat: Promise.resolve({ type: 'json', schema: known as Ai.JSONSchema7 }),
    parseCompleteOutput: async ({ text }) => text,
    parsePartialOutput: async ({ text }) => ({ partial: String(text.length) }),
    createElementStreamTransform: () => undefined,
  };
}

/** Throws CONFIG_INVALID where the library of the schema has none. */
async function jsonSchemaOf(ai: typeof Ai, schema: OutputSchema<unknown>): Promise<object> {
  try {
    return await ai.asSchema(schema as Ai.FlexibleSchema).jsonSchema;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    const message = `the schema of \`output\` says no JSON Schema, so give it as \`jsonSchema\`: ${cutText(why, MAX_ISSUE_BYTES)}`;
    throw Object.assign(new QuorateError('CONFIG_INVALID', message), { failure: { kind: 'permanent' } });
  }
}

/** Throws MODEL_OUTPUT_INVALID. */
export async function parseOutput<O>(text: string, schema: OutputSchema<O>, model: string): Promise<O> {
  const checked = await schema['~standard'].validate(parseJson(text, model));
  if (checked.issues === undefined) return checked.value;
  const shown = checked.issues.slice(0, SHOWN_ISSUES).map(describe);
  const more =
    checked.issues.length > SHOWN_ISSUES ? [`and ${checked.issues.length - SHOWN_ISSUES} more`] : [];
  throw invalid(model, [...shown, ...more].join('; '));
}

function parseJson(text: string, model: string): unknown {
  try {
    return JSON.parse(FENCE.exec(text)?.[1] ?? text);
  } catch {
    throw invalid(model, 'it is no JSON');
  }
}

function invalid(model: string, why: string): Error {
  return ending(
    'MODEL_OUTPUT_INVALID',
    { kind: 'incomplete' },
    `the answer of ${model} does not fit: ${why}`,
  );
}

function describe({ message, path = [] }: Issue): string {
  const place = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
  return cutText(place === '' ? message : `${place}: ${message}`, MAX_ISSUE_BYTES);
}
