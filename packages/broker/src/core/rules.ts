/** The rules of a subscription: compiled once, then asked for every message of the topic. */
import { encodedString, withApplicationProperties } from '../codec/rewrite.ts';
import { compileAction } from '../sql/action.ts';
import { SqlError } from '../sql/ast.ts';
import { compileFilter } from '../sql/filter.ts';
import type { EnvelopeView } from '../sql/message-view.ts';
import { equal } from '../sql/operators.ts';
import { toSqlValue } from '../sql/property-value.ts';
import { Opaque, type SqlValue } from '../sql/sql-values.ts';
import type { CorrelationFilter, RuleDescription } from '../topology.ts';

export const DEFAULT_RULE: RuleDescription = { name: '$Default', filter: { kind: 'true' } };
const MAX_NAME = 50;

export interface Rule {
  readonly name: string;
  /** Its filter is a correlation filter, which has a separate limit. */
  readonly correlation: boolean;
  matches(message: EnvelopeView): boolean;
  /** The bytes of the rule's own copy; a rule without an action shares one copy with its like. */
  readonly act: ((message: EnvelopeView) => Buffer) | undefined;
}

/** Throws a SqlError for a rule that cannot be. */
export function compileRule(description: RuleDescription): Rule {
  const { name, action, filter } = description;
  const correlation = filter.kind === 'correlation';
  if (name === '' || name.length > MAX_NAME)
    throw new SqlError(`A rule's name has 1 to ${MAX_NAME} characters.`);
  const matches = compileCondition(description);
  if (!action) return { name, correlation, matches, act: undefined };
  const change = compileAction(action.expression, action.parameters);
  const label = new Map([['RuleName', encodedString(name)]]);
  return { name, correlation, matches, act: (message) => withApplicationProperties(change(message), label) };
}

/** Gives what is wrong with the rules; undefined when nothing is. */
export function checkRules(rules: readonly RuleDescription[]): string | undefined {
  for (const rule of rules) {
    try {
      compileRule(rule);
    } catch (error) {
      if (!(error instanceof SqlError)) throw error;
      return `rule '${rule.name}': ${error.message.replace(/\.$/, '')}`;
    }
  }
  const names = new Set(rules.map(({ name }) => name.toLowerCase()));
  return names.size < rules.length ? 'two of its rules have the same name' : undefined;
}

type Selected =
  /** One entry a copy: `undefined` for the message as it came. */
  { kind: 'copies'; copies: (Buffer | undefined)[] } | { kind: 'failed'; why: string };

/** Rules without an action are OR-ed into one copy; each matching rule with an action makes its own. */
export function selectCopies(rules: readonly Rule[], message: EnvelopeView): Selected {
  const copies: (Buffer | undefined)[] = [];
  let plain = false;
  try {
    for (const rule of rules) {
      if ((!rule.act && plain) || !rule.matches(message)) continue;
      if (rule.act) {
        copies.push(rule.act(message));
      } else {
        plain = true;
        copies.push(undefined);
      }
    }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    return { kind: 'failed', why: error.message };
  }
  return { kind: 'copies', copies };
}

function compileCondition({ filter }: RuleDescription): Rule['matches'] {
  switch (filter.kind) {
    case 'true':
      return () => true;
    case 'false':
      return () => false;
    case 'correlation':
      return compileCorrelation(filter);
    case 'sql':
      return compileFilter(filter.expression, filter.parameters);
  }
}

// Correlation filters: every field that is set must be equal, case and all.

const TEXT_FIELDS = [
  'correlationId',
  'messageId',
  'to',
  'replyTo',
  'subject',
  'sessionId',
  'replyToSessionId',
  'contentType',
] as const;

/** Throws a SqlError for a filter that cannot be. */
function compileCorrelation(filter: CorrelationFilter): (message: EnvelopeView) => boolean {
  const fields = TEXT_FIELDS.filter((field) => filter[field] !== undefined);
  const properties = Object.entries(filter.applicationProperties ?? {}).map(
    ([name, value]) => [name, toSqlValue(value)] as const,
  );
  return (message) => {
    if (fields.some((field) => filter[field] !== message.envelope.text(field))) return false;
    return properties.every(([name, value]) => same(message.properties.get(name), value));
  };
}

/** Compares like `=` in SQL filters, but types that do not mix are just not equal. */
function same(actual: SqlValue, wanted: SqlValue): boolean {
  if (actual === undefined || wanted === undefined) return false;
  if (actual instanceof Opaque && wanted instanceof Opaque) return actual.encoded.equals(wanted.encoded);
  return comparable(actual) === comparable(wanted) && equal(actual, wanted);
}

function comparable(value: Exclude<SqlValue, undefined>): unknown {
  if (typeof value === 'bigint') return 'number';
  return typeof value === 'object' ? value.constructor : typeof value;
}
