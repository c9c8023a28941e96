// The part of JSON Schema that answers of people are checked by: what forms are made of. A schema that says more is refused when its
// machine is registered, so that nothing stands in it that nobody checks. Pure.
import type { Json, JsonObject } from './json.ts';

type Check = (value: Json, of: Json) => string | undefined;

const isNumber = (value: Json): value is number => typeof value === 'number';
const isText = (value: Json): value is string => typeof value === 'string';
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Same JSON, whatever the order of its fields. */
function same(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, at) => same(item as Json, b[at] as Json));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key] as Json, b[key] as Json))
  );
}

const TYPES: Readonly<Record<string, (value: Json) => boolean>> = {
  string: isText,
  number: isNumber,
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: Array.isArray,
  object: isObject,
};

/** A date that exists, not only one that looks like it. */
function isDate(value: string): boolean {
  const at = new Date(`${value}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(value);
}

const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  date: isDate,
  'date-time': (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value) && !Number.isNaN(Date.parse(value)),
  email: (value) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value),
  uri: (value) => URL.canParse(value),
};

/** Of a keyword's value, which `schemaFault` has looked at. */
const text = (of: Json): string => (isText(of) ? of : JSON.stringify(of));
/** In code points, as JSON Schema counts. */
const count = (value: string): number => Array.from(value).length;

/** Each says what is wrong, or nothing. `items`, `properties` and what belongs to them are looked into by `faultOf`. */
const CHECKS: Readonly<Record<string, Check>> = {
  type: (value, of) => {
    const types = (Array.isArray(of) ? of : [of]) as readonly string[];
    return types.some((type) => TYPES[type]?.(value)) ? undefined : `must be of type ${types.join(' or ')}`;
  },
  enum: (value, of) =>
    (of as readonly Json[]).some((one) => same(one, value))
      ? undefined
      : `must be one of ${(of as readonly Json[]).map((one) => JSON.stringify(one)).join(', ')}`,
  const: (value, of) => (same(value, of) ? undefined : `must be ${JSON.stringify(of)}`),
  minLength: (value, of) =>
    isText(value) && count(value) < Number(of) ? `must have ${text(of)} characters or more` : undefined,
  maxLength: (value, of) =>
    isText(value) && count(value) > Number(of) ? `must have ${text(of)} characters at most` : undefined,
  pattern: (value, of) =>
    isText(value) && !new RegExp(text(of), 'u').test(value) ? `must match ${text(of)}` : undefined,
  format: (value, of) => {
    const fits = FORMATS[text(of)];
    return isText(value) && fits?.(value) === false ? `must be a ${text(of)}` : undefined;
  },
  minimum: (value, of) => (isNumber(value) && value < Number(of) ? `must be ${text(of)} or more` : undefined),
  maximum: (value, of) => (isNumber(value) && value > Number(of) ? `must be ${text(of)} at most` : undefined),
  minItems: (value, of) =>
    Array.isArray(value) && value.length < Number(of) ? `must have ${text(of)} items or more` : undefined,
  maxItems: (value, of) =>
    Array.isArray(value) && value.length > Number(of) ? `must have ${text(of)} items at most` : undefined,
  required: (value, of) => {
    const missing = isObject(value)
      ? (of as readonly string[]).find((key) => !Object.hasOwn(value, key))
      : undefined;
    return missing === undefined ? undefined : `must have '${missing}'`;
  },
};

const NESTED = ['properties', 'additionalProperties', 'items'];
/** For those who look at it. */
const NOTES = ['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples', 'deprecated'];

/** What the value does wrong, with its path; undefined when it fits. What the schema says beyond this part is not looked at. */
export function faultOf(value: Json, schema: JsonObject, path = 'answer'): string | undefined {
  for (const [keyword, of] of Object.entries(schema)) {
    const fault = CHECKS[keyword]?.(value, of);
    if (fault !== undefined) return `${path} ${fault}`;
  }
  const { items, properties, additionalProperties } = schema;
  if (Array.isArray(value) && isObject(items)) {
    for (const [at, item] of value.entries()) {
      const fault = faultOf(item as Json, items, `${path}[${at}]`);
      if (fault !== undefined) return fault;
    }
  }
  if (!isObject(value)) return undefined;
  const known = isObject(properties) ? properties : {};
  for (const [key, item] of Object.entries(value)) {
    const own = Object.hasOwn(known, key) ? known[key] : additionalProperties;
    if (own === false) return `${path} must not have '${key}'`;
    const fault = isObject(own) ? faultOf(item, own, `${path}.${key}`) : undefined;
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Why answers cannot be checked by this schema; undefined when they can. */
export function schemaFault(schema: Json, path = 'schema'): string | undefined {
  if (!isObject(schema)) return `${path} must be an object`;
  for (const [keyword, of] of Object.entries(schema)) {
    if (NOTES.includes(keyword)) continue;
    const where = `${path}.${keyword}`;
    const fault = NESTED.includes(keyword)
      ? nestedFault(keyword, of, where)
      : keywordFault(keyword, of, where);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function nestedFault(keyword: string, of: Json, where: string): string | undefined {
  if (keyword === 'additionalProperties' && typeof of === 'boolean') return undefined;
  if (keyword !== 'properties') return schemaFault(of, where);
  if (!isObject(of)) return `${where} must be an object`;
  for (const [key, own] of Object.entries(of)) {
    const fault = schemaFault(own, `${where}.${key}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function keywordFault(keyword: string, of: Json, where: string): string | undefined {
  const list = Array.isArray(of) ? (of as readonly Json[]) : undefined;
  switch (keyword) {
    case 'type': {
      const unknown = (list ?? [of]).find((type) => !isText(type) || !Object.hasOwn(TYPES, type));
      return unknown === undefined ? undefined : `${where} has the unknown type ${JSON.stringify(unknown)}`;
    }
    case 'enum':
      return list === undefined || list.length === 0 ? `${where} must be a list` : undefined;
    case 'required':
      return list?.every(isText) === true ? undefined : `${where} must be a list of texts`;
    case 'const':
      return undefined;
    case 'pattern':
      return patternFault(of, where);
    case 'format':
      return isText(of) && Object.hasOwn(FORMATS, of)
        ? undefined
        : `${where} must be one of ${Object.keys(FORMATS).join(', ')}`;
    default:
      if (!Object.hasOwn(CHECKS, keyword))
        return `${where} is not checked here: give a Standard Schema (zod, valibot, arktype) instead`;
      return isNumber(of) ? undefined : `${where} must be a number`;
  }
}

function patternFault(of: Json, where: string): string | undefined {
  try {
    return isText(of) && new RegExp(of, 'u') ? undefined : `${where} must be a text`;
  } catch {
    return `${where} is not a regular expression`;
  }
}
