/** The rule manager: rules travel as maps to the broker and as described lists back. */
import { encodedMap } from '../../codec/body.ts';
import type { SubscriptionRules } from '../../core/subscription-rules.ts';
import { serviceErrors } from '../../errors.ts';
import { encodedValue, propertyValueOf } from '../../sql/property-value.ts';
import type { CorrelationFilter, RuleDescription, RuleFilter } from '../../topology.ts';
import { decodedValue, types } from '../rhea.ts';
import { type Call, NO_CONTENT, type Operation, ok, optionalText, text, whole } from './operation.ts';

/** Clients compare these as numbers; symbolic descriptors are skipped without a word. */
const RULE = 0x137_0000_0004;
const EMPTY_ACTION = 0x137_0000_0005;
const SQL_ACTION = 0x137_0000_0006;
const SQL_FILTER = 0x13_7000_0006;
const TRUE_FILTER = 0x13_7000_0007;
const FALSE_FILTER = 0x13_7000_0008;
const CORRELATION_FILTER = 0x13_7000_0009;
/** Version of the SQL dialect, as the service says it. */
const COMPATIBILITY_LEVEL = 20;

/** The order of the described list, with the names of the request. */
const FIELDS = [
  ['correlation-id', 'correlationId'],
  ['message-id', 'messageId'],
  ['to', 'to'],
  ['reply-to', 'replyTo'],
  ['label', 'subject'],
  ['session-id', 'sessionId'],
  ['reply-to-session-id', 'replyToSessionId'],
  ['content-type', 'contentType'],
] as const;

type Body = Record<string, unknown>;

export const addRule: Operation = (call, respond) => {
  const rules = rulesOf(call);
  const description = map(call.body['rule-description']);
  if (!description) throw serviceErrors.invalid("'rule-description' is not a map.");
  const filter = toFilter(description, call.encoded);
  const action = map(description['sql-rule-action']);
  const expression = action && optionalText(action, 'expression');
  const rule = { name: text(call.body, 'rule-name'), filter };
  rules.add(expression ? { ...rule, action: { expression } } : rule);
  respond(ok());
};

export const removeRule: Operation = (call, respond) => {
  rulesOf(call).remove(text(call.body, 'rule-name'));
  respond(ok());
};

export const enumerateRules: Operation = (call, respond) => {
  const skip = whole(call.body, 'skip');
  const rules = rulesOf(call);
  const page = rules.list().slice(skip, skip + whole(call.body, 'top'));
  if (page.length === 0) return respond({ status: NO_CONTENT });
  const { createdAt } = rules;
  respond(ok({ rules: page.map((rule) => ({ 'rule-description': described(rule, createdAt) })) }));
};

function rulesOf({ target }: Call): SubscriptionRules {
  if (!target.rules) throw serviceErrors.notAllowed(`'${target.path}' is no subscription and has no rules.`);
  return target.rules;
}

function toFilter(description: Body, encoded: Buffer): RuleFilter {
  const sql = map(description['sql-filter']);
  if (sql) return { kind: 'sql', expression: text(sql, 'expression') };
  const correlation = map(description['correlation-filter']);
  if (correlation) return toCorrelation(correlation, encoded);
  if (map(description['false-filter'])) return { kind: 'false' };
  if (map(description['true-filter'])) return { kind: 'true' };
  throw serviceErrors.invalid('The rule has no filter that is known.');
}

function toCorrelation(body: Body, encoded: Buffer): CorrelationFilter {
  const filter: CorrelationFilter = { kind: 'correlation' };
  for (const [wire, field] of FIELDS) {
    const value = optionalText(body, wire);
    if (value !== undefined) filter[field] = value;
  }
  const properties = encodedMap(encoded, 'rule-description', 'correlation-filter', 'properties');
  if (!properties) return filter;
  filter.applicationProperties = {};
  for (const [name, bytes] of properties) {
    const value = propertyValueOf(bytes);
    if (value === undefined)
      throw serviceErrors.invalid(`The property '${name}' of a correlation filter is null.`);
    filter.applicationProperties[name] = value;
  }
  return filter;
}

function described({ name, filter, action, createdAt }: RuleDescription, otherwise: number): unknown {
  return list(RULE, [
    describedFilter(filter),
    action
      ? list(SQL_ACTION, [action.expression, types.wrap_int(COMPATIBILITY_LEVEL)])
      : list(EMPTY_ACTION, []),
    name,
    types.wrap_timestamp(createdAt === undefined ? otherwise : Date.parse(createdAt)),
  ]);
}

function describedFilter(filter: RuleFilter): unknown {
  switch (filter.kind) {
    case 'sql':
      return list(SQL_FILTER, [filter.expression, types.wrap_int(COMPATIBILITY_LEVEL)]);
    case 'true':
      return list(TRUE_FILTER, []);
    case 'false':
      return list(FALSE_FILTER, []);
    case 'correlation':
      return list(CORRELATION_FILTER, [
        ...FIELDS.map(([, field]) => filter[field] ?? null),
        types.wrap_map(
          Object.fromEntries(
            Object.entries(filter.applicationProperties ?? {}).map(([name, value]) => [
              name,
              decodedValue(encodedValue(value)),
            ]),
          ),
        ),
      ]);
  }
}

function list(descriptor: number, items: unknown[]): unknown {
  return types.wrap_described(types.wrap_list(items), descriptor);
}

function map(value: unknown): Body | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
}
