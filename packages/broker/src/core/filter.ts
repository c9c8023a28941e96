/** Correlation filters: every field that is set must be equal, case and all. */
import type { EnvelopeView } from '../sql/message-view.ts';
import { equal } from '../sql/operators.ts';
import { toSqlValue } from '../sql/property-value.ts';
import { Opaque, type SqlValue } from '../sql/values.ts';
import type { CorrelationFilter } from '../topology.ts';

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
export function compileCorrelation(filter: CorrelationFilter): (message: EnvelopeView) => boolean {
  const fields = TEXT_FIELDS.filter((field) => filter[field] !== undefined);
  const properties = Object.entries(filter.applicationProperties ?? {}).map(
    ([name, value]) => [name, toSqlValue(value)] as const,
  );
  return (message) => {
    if (fields.some((field) => filter[field] !== message.envelope.text(field))) return false;
    return properties.every(([name, value]) => same(message.properties.get(name), value));
  };
}

/** As `=` compares them in SQL filters, but types that do not mix are just not equal. */
function same(actual: SqlValue, wanted: SqlValue): boolean {
  if (actual === undefined || wanted === undefined) return false;
  if (actual instanceof Opaque && wanted instanceof Opaque) return actual.encoded.equals(wanted.encoded);
  return comparable(actual) === comparable(wanted) && equal(actual, wanted);
}

function comparable(value: Exclude<SqlValue, undefined>): unknown {
  if (typeof value === 'bigint') return 'number';
  return typeof value === 'object' ? value.constructor : typeof value;
}
