// The description of a rule as XML, read and written: filters, actions and typed values.
import type { CorrelationFilter, RuleDescription, RuleFilter, SqlAction } from '../topology.ts';
import { adminErrors } from './errors.ts';
import { given } from './fields.ts';
import { readPairs, required, typeOf, writePairs } from './typed-pairs.ts';
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

/** Without a filter everything matches. */
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
