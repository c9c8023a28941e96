// The description of a rule as XML, read and written: filters, actions and typed values.
import { isInt, toSqlValue } from '../sql/property-value.ts';
import type {
  CorrelationFilter,
  PropertyValue,
  RuleDescription,
  RuleFilter,
  SqlAction,
  SqlParameters,
  TypedValue,
} from '../topology.ts';
import { adminErrors } from './admin-errors.ts';
import { given } from './fields.ts';
import type { Element, Node } from './xml.ts';

/** The version of SQL's rules that the service names. */
const COMPATIBILITY = 20;

const CORRELATION_FIELDS = [
  ['CorrelationId', 'correlationId'],
  ['MessageId', 'messageId'],
  ['To', 'to'],
  ['ReplyTo', 'replyTo'],
  ['Label', 'subject'],
  ['SessionId', 'sessionId'],
  ['ReplyToSessionId', 'replyToSessionId'],
  ['ContentType', 'contentType'],
] as const;

/** Reads a rule. One without a filter matches everything. */
export function readRule(name: string, node: Node): RuleDescription {
  const filter = node.child('Filter');
  return given<RuleDescription>({
    name,
    filter: filter ? readFilter(filter) : { kind: 'true' },
    action: readAction(node.child('Action')),
  });
}

function readFilter(node: Node): RuleFilter {
  switch (typeOf(node)) {
    case 'TrueFilter':
      return { kind: 'true' };
    case 'FalseFilter':
      return { kind: 'false' };
    case 'CorrelationFilter':
      return readCorrelation(node);
    case 'SqlFilter':
      return given<RuleFilter & { kind: 'sql' }>({
        kind: 'sql',
        expression: required(node, 'SqlExpression'),
        parameters: readPairs(node.child('Parameters')),
      });
    default:
      throw adminErrors.badRequest(`The filter type '${typeOf(node)}' is not known.`);
  }
}

function readCorrelation(node: Node): CorrelationFilter {
  const filter: CorrelationFilter = { kind: 'correlation' };
  for (const [element, field] of CORRELATION_FIELDS) {
    const text = node.text(element);
    if (text !== undefined) filter[field] = text;
  }
  const properties = readPairs(node.child('Properties'));
  if (properties) filter.applicationProperties = properties;
  return filter;
}

function readAction(node: Node | undefined): SqlAction | undefined {
  if (!node || typeOf(node) === 'EmptyRuleAction') return undefined;
  if (typeOf(node) !== 'SqlRuleAction') {
    throw adminErrors.badRequest(`The action type '${typeOf(node)}' is not known.`);
  }
  return given<SqlAction>({
    expression: required(node, 'SqlExpression'),
    parameters: readPairs(node.child('Parameters')),
  });
}

export function writeRule(rule: RuleDescription, createdAt: number): Element {
  return {
    Filter: writeFilter(rule.filter),
    Action: rule.action
      ? {
          '@i:type': 'SqlRuleAction',
          SqlExpression: rule.action.expression,
          CompatibilityLevel: COMPATIBILITY,
          Parameters: writePairs(rule.action.parameters),
        }
      : { '@i:type': 'EmptyRuleAction' },
    CreatedAt: rule.createdAt ?? new Date(createdAt).toISOString(),
    Name: rule.name,
  };
}

function writeFilter(filter: RuleFilter): Element {
  switch (filter.kind) {
    case 'true':
      return { '@i:type': 'TrueFilter', SqlExpression: '1=1', CompatibilityLevel: COMPATIBILITY };
    case 'false':
      return { '@i:type': 'FalseFilter', SqlExpression: '1=0', CompatibilityLevel: COMPATIBILITY };
    case 'sql':
      return {
        '@i:type': 'SqlFilter',
        SqlExpression: filter.expression,
        CompatibilityLevel: COMPATIBILITY,
        Parameters: writePairs(filter.parameters),
      };
    case 'correlation': {
      const fields = CORRELATION_FIELDS.map(([element, field]) => [element, filter[field]]);
      return {
        '@i:type': 'CorrelationFilter',
        ...(Object.fromEntries(fields) as Element),
        Properties: writePairs(filter.applicationProperties),
      };
    }
  }
}

// The values of filters and actions in rule documents: each with its name and its XML type.

const SCHEMA = 'http://www.w3.org/2001/XMLSchema';
/** What XML Schema has no type for, or .NET one of its own. */
const SERIALIZATION = 'http://schemas.microsoft.com/2003/10/Serialization/';

function readPairs(node: Node | undefined): SqlParameters | undefined {
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
function writePairs(pairs: SqlParameters | undefined): Element | undefined {
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
function typeOf(node: Node | undefined): string {
  return (node?.attribute('type') ?? '').replace(/^.*:/, '');
}

function required(node: Node, name: string): string {
  const text = node.text(name);
  if (text === undefined || text === '') throw adminErrors.badRequest(`${name} is missing.`);
  return text;
}
