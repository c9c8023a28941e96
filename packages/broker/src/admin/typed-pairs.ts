/** The values of filters and actions in rule documents: each with its name and its XML type. */
import { isInt, toSqlValue } from '../sql/property-value.ts';
import type { PropertyValue, SqlParameters, TypedValue } from '../topology.ts';
import { adminErrors } from './errors.ts';
import type { Element, Node } from './xml.ts';

const SCHEMA = 'http://www.w3.org/2001/XMLSchema';
/** What XML Schema has no type for, or .NET one of its own. */
const SERIALIZATION = 'http://schemas.microsoft.com/2003/10/Serialization/';

export function readPairs(node: Node | undefined): SqlParameters | undefined {
  const pairs = node?.children('KeyValueOfstringanyType') ?? [];
  if (pairs.length === 0) return undefined;
  return Object.fromEntries(pairs.map((pair) => [required(pair, 'Key'), readValue(pair.child('Value'))]));
}

function readValue(node: Node | undefined): PropertyValue {
  const text = node?.content() ?? '';
  const type = typeOf(node);
  switch (type) {
    case 'boolean':
      return text.trim() === 'true' || text.trim() === '1';
    case 'byte':
    case 'short':
    case 'int':
      return isInt(Number(text)) ? Number(text) : { type: 'long', value: text };
    case 'float':
    case 'decimal':
    case 'double':
      return { type: 'double', value: text };
    case 'long':
    case 'dateTime':
    case 'duration':
    case 'guid':
      return { type, value: text };
    default:
      return text;
  }
}

/** The prefix has four letters: the JavaScript client cuts it off by counting. */
export function writePairs(pairs: SqlParameters | undefined): Element | undefined {
  if (!pairs) return undefined;
  return {
    KeyValueOfstringanyType: Object.entries(pairs).map(([name, value]) => {
      const { type, text } = written(value);
      const namespace = type === 'duration' || type === 'guid' ? SERIALIZATION : SCHEMA;
      return { Key: name, Value: { '@xmlns:d6p1': namespace, '@i:type': `d6p1:${type}`, '#': text } };
    }),
  };
}

function written(value: PropertyValue): { type: string; text: string } {
  if (typeof value === 'number') return { type: isInt(value) ? 'int' : 'double', text: String(value) };
  if (typeof value !== 'object') return { type: typeof value, text: String(value) };
  return value.type === 'amqp' ? foreign(value) : { type: value.type, text: value.value };
}

/** What XML has no type for, as near as it can be. */
function foreign(value: TypedValue): { type: string; text: string } {
  const known = toSqlValue(value);
  if (typeof known === 'bigint') return { type: 'long', text: String(known) };
  if (typeof known === 'number') return { type: 'double', text: String(known) };
  return { type: 'string', text: value.value };
}

/** `p4:SqlFilter` -> `SqlFilter`, whatever the client calls the namespace. */
export function typeOf(node: Node | undefined): string {
  return (node?.attribute('type') ?? '').replace(/^.*:/, '');
}

export function required(node: Node, name: string): string {
  const text = node.text(name);
  if (text === undefined || text === '') throw adminErrors.badRequest(`${name} is missing.`);
  return text;
}
