import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkJson } from '../../../src/contract/border.ts';
import { isJson, lossOf } from '../../../src/contract/loss.ts';
import { NO_JSON } from '../../kit/no-json.ts';

const border = { of: 'order/1', path: 'input', code: 'INPUT_INVALID' } as const;

describe('a value at a border', () => {
  it.each(NO_JSON)('is refused for $name, with its path', ({ make, fault }) => {
    expect(() => checkJson(make(), border)).toThrow(
      expect.objectContaining({
        code: 'INPUT_INVALID',
        message: expect.stringContaining(`order/1: input${fault}`),
      }),
    );
  });

  it.each(NO_JSON)('is refused for $name by itself, without a path', ({ make }) => {
    const [inner] = Object.values(make() as object) as [unknown];
    expect(() => checkJson(inner, border)).toThrow(/^order\/1: input[ [.]/);
  });

  it('is taken as it is when it is JSON: no copy', () => {
    const value = { a: [1, 'x', null, { b: true }] };
    expect(checkJson(value, border)).toBe(value);
  });

  it('may have undefined fields, no prototype, a negative zero, or come from another realm', () => {
    expect(checkJson({ a: undefined, b: { c: undefined } }, border)).toEqual({ b: {} });
    expect(Object.keys(checkJson({ a: undefined, b: 1 }, border) as object)).toEqual(['b']);
    expect(checkJson(Object.assign(Object.create(null) as object, { a: 1 }), border)).toEqual({ a: 1 });
    expect(checkJson({ zero: -0 }, border)).toEqual({ zero: 0 });
    expect(checkJson(runInNewContext('({ a: [{ b: 1 }] })'), border)).toEqual({ a: [{ b: 1 }] });
    expect(checkJson(undefined, border)).toBe(null);
  });

  it('may hold the same object twice, which is no circle', () => {
    const shared = { n: 1, left: undefined };
    expect(checkJson([shared, shared], border)).toEqual([{ n: 1 }, { n: 1 }]);
  });

  it('may be as deep as anything that people write, and no deeper than JSON itself can go', () => {
    const nested = (levels: number): unknown => {
      let value: unknown = 1;
      for (let level = 0; level < levels; level++) value = [value];
      return value;
    };
    expect(JSON.stringify(checkJson(nested(900), border))).toBe(JSON.stringify(nested(900)));
    expect(() => checkJson(nested(100_000), border)).toThrow(/deeper than 1000 levels/);
  });

  it('that passes comes back from its text as it was, undefined fields aside', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        if (lossOf(value, 'value') !== undefined) {
          expect(isJson(value)).toBe(false);
          return;
        }
        const taken = checkJson(value, border);
        expect(isJson(taken)).toBe(true);
        expect(JSON.parse(JSON.stringify(taken))).toEqual(taken);
        expect(taken).toEqual(value === undefined ? null : withoutPrototypes(value));
      }),
    );
  });
});

/** toEqual looks at neither undefined fields nor -0, but at prototypes of null. */
function withoutPrototypes(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(withoutPrototypes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutPrototypes(item)]));
}
