import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileFilter } from '../../../src/sql/filter.ts';
import { view } from './messages.ts';

// The truth tables of service-bus-messaging-sql-filter ("Unknown evaluation in AND / OR"), and SQL-92 for NOT. The
// model below knows nothing of the broker's parser: texts and their values are made together.

type Truth = 'T' | 'F' | 'U';
interface Sentence {
  text: string;
  truth: Truth;
}

const AND: Record<Truth, Record<Truth, Truth>> = {
  T: { T: 'T', F: 'F', U: 'U' },
  F: { T: 'F', F: 'F', U: 'F' },
  U: { T: 'U', F: 'F', U: 'U' },
};
const OR: Record<Truth, Record<Truth, Truth>> = {
  T: { T: 'T', F: 'T', U: 'T' },
  F: { T: 'T', F: 'F', U: 'U' },
  U: { T: 'T', F: 'U', U: 'U' },
};
const NOT: Record<Truth, Truth> = { T: 'F', F: 'T', U: 'U' };

const message = view({ n: 5, s: 'abc', nothing: null });

const atom = fc.constantFrom<Sentence>(
  { text: 'n = 5', truth: 'T' },
  { text: "s LIKE 'a%'", truth: 'T' },
  { text: 'missing IS NULL', truth: 'T' },
  { text: 'n IN (missing, 5)', truth: 'T' },
  { text: 'n <> 5', truth: 'F' },
  { text: "s IN ('x', 'y')", truth: 'F' },
  { text: 'EXISTS(missing)', truth: 'F' },
  { text: 'missing = 1', truth: 'U' },
  { text: 'nothing <> 1', truth: 'U' },
  { text: 'n NOT IN (missing, 6)', truth: 'U' },
  { text: 'missing + n > 0', truth: 'U' },
);

const { sentence } = fc.letrec<{ sentence: Sentence }>((tie) => ({
  sentence: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    atom,
    fc
      .tuple(tie('sentence'), tie('sentence'))
      .map(([a, b]) => ({ text: `(${a.text} AND ${b.text})`, truth: AND[a.truth][b.truth] })),
    fc
      .tuple(tie('sentence'), tie('sentence'))
      .map(([a, b]) => ({ text: `(${a.text} OR ${b.text})`, truth: OR[a.truth][b.truth] })),
    tie('sentence').map((a) => ({ text: `(NOT ${a.text})`, truth: NOT[a.truth] })),
  ),
}));

test('conditions of any shape follow the truth tables', () => {
  fc.assert(
    fc.property(
      sentence.filter(({ text }) => text.length < 1000),
      ({ text, truth }) => {
        expect(compileFilter(text)(message)).toBe(truth === 'T');
        // What is false is told from what is unknown by its opposite.
        expect(compileFilter(`NOT ${text}`)(message)).toBe(truth === 'F');
      },
    ),
    { numRuns: 500 },
  );
});

test('without parentheses NOT binds before AND, and AND before OR', () => {
  const chain = fc.array(fc.tuple(fc.boolean(), atom, fc.constantFrom('AND', 'OR')), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(chain, (parts) => {
      let text = '';
      let whole: Truth = 'F';
      let group: Truth = 'T';
      for (const [index, [negated, { text: one, truth }, operator]] of parts.entries()) {
        if (index > 0) {
          text += ` ${operator} `;
          if (operator === 'OR') {
            whole = OR[whole][group];
            group = 'T';
          }
        }
        text += negated ? `NOT ${one}` : one;
        group = AND[group][negated ? NOT[truth] : truth];
      }
      expect(compileFilter(text)(message)).toBe(OR[whole][group] === 'T');
    }),
  );
});

test('arithmetic on longs wraps as Int64 does and divides towards zero', () => {
  const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(long, long, fc.constantFrom('+', '-', '*', '/', '%'), (a, b, operator) => {
      fc.pre(b !== 0n || (operator !== '/' && operator !== '%'));
      const expected =
        { '+': a + b, '-': a - b, '*': a * b, '/': b && a / b, '%': b && a % b }[operator] ?? 0n;
      expect(compileFilter(`${a} ${operator} ${b} = ${BigInt.asIntN(64, expected)}`)(message)).toBe(true);
    }),
  );
});

test('LIKE agrees with the regular expression of its pattern', () => {
  const letters = (from: string) => fc.string({ unit: fc.constantFrom(...from.split('')), maxLength: 12 });
  fc.assert(
    fc.property(letters('ab_%'), letters('ab%_!'), (text, pattern) => {
      // A lone escape character at the end stands for itself.
      const parts = pattern.match(/!.|[\s\S]/g) ?? [];
      const source = parts.map((part) => (part === '%' ? '.*' : part === '_' ? '.' : part.at(-1))).join('');
      const like = compileFilter(`'${text}' LIKE '${pattern}' ESCAPE '!'`);
      expect(like(message)).toBe(new RegExp(`^${source}$`).test(text));
    }),
    { numRuns: 2000 },
  );
});
