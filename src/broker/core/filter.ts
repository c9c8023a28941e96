import type { Envelope } from '../codec/envelope.ts';
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

/** Every field that is set must be equal, case and all. */
export function correlates(filter: CorrelationFilter, message: Envelope): boolean {
  for (const field of TEXT_FIELDS) {
    if (filter[field] !== undefined && filter[field] !== message.text(field)) return false;
  }
  const wanted = Object.entries(filter.applicationProperties ?? {});
  if (wanted.length === 0) return true;
  const actual = message.applicationProperties();
  return wanted.every(([name, value]) => same(actual.get(name), value));
}

function same(actual: unknown, wanted: string | number | boolean): boolean {
  return typeof actual === 'bigint' ? actual === BigInt(Number(wanted)) : actual === wanted;
}
