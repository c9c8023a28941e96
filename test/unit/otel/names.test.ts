// The package and Quorate import nothing of each other: what both write down is the same.
import { expect, it } from 'vitest';
import { createIdGenerator } from '../../../otel/id-generator.ts';
import { ATTR, LINK_LIMIT, MAX_LINKS } from '../../../otel/names.ts';
import * as quorate from '../../../src/contract/turn.ts';
import { ATTR as QUORATE_ATTR } from '../../../src/observability/span-names.ts';

it('attributes have the names that Quorate writes', () => {
  expect(QUORATE_ATTR).toMatchObject(ATTR);
});

it('a gather may have as many links as Quorate gives it, and the SDK keeps them', () => {
  expect(MAX_LINKS).toBe(quorate.MAX_LINKS);
  expect(LINK_LIMIT).toBeGreaterThan(MAX_LINKS);
});

it('an id is the reserved one while there is one, by the symbol that both sides describe, and random otherwise', () => {
  const ids = createIdGenerator();
  const reserved = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  Reflect.set(globalThis, Symbol.for('quorate.span-ids'), reserved);
  try {
    expect({ traceId: ids.generateTraceId(), spanId: ids.generateSpanId() }).toEqual(reserved);
  } finally {
    Reflect.deleteProperty(globalThis, Symbol.for('quorate.span-ids'));
  }
  const drawn = [ids.generateSpanId(), ids.generateSpanId(), ids.generateTraceId(), ids.generateTraceId()];
  expect(new Set([...drawn, ...Object.values(reserved)]).size).toBe(6);
});
