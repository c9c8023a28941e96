import { expect, test } from 'vitest';
import { createRandom, type Random } from '../../../../../test/kit/random.ts';
import { compileAction } from '../../../src/sql/action.ts';
import { SqlError } from '../../../src/sql/ast.ts';
import { compileFilter } from '../../../src/sql/filter.ts';
import { view } from './messages.ts';

// Whatever text is given, it is refused with a SqlError or gives an answer; nothing else ever leaves the parser.
// QUORATE_FUZZ_MS sets how long it looks, QUORATE_TEST_SEED repeats a run.

const FUZZ_MS = Number(process.env['QUORATE_FUZZ_MS'] ?? 4_000);
const BATCH = 100;

const WORDS = [
  ['AND', 'OR', 'NOT', 'IS', 'NULL', 'IN', 'LIKE', 'ESCAPE', 'EXISTS', 'TRUE', 'FALSE', 'SET', 'REMOVE'],
  ['(', ')', ',', '.', ';', '+', '-', '*', '/', '%', '=', '<>', '!=', '<', '<=', '>', '>='],
  ['color', 'quantity', 'missing', 'nothing', 'sys', 'user', 'sys.Label', 'sys.Size', '[a b]', '"q"'],
  ['1', '0', '2.5', '.5', '1e3', '9223372036854775807', "'text'", "''", "'%'", "'_'", '@p', 'newid()', 'p('],
  ["'", '"', '[', ']', '@', '#', '\\', '\u0000', 'é', '😀', ' ', '\n'],
].flat();

const message = view({ color: 'blue', quantity: 10, nothing: null, price: 2.5 }, { subject: 'label' });

test(`no text breaks a filter or an action, for ${FUZZ_MS} ms`, { timeout: FUZZ_MS + 30_000 }, () => {
  const random = createRandom();
  console.log(`seed ${random.seed}`);
  const until = Date.now() + FUZZ_MS;
  let accepted = 0;
  let tried = 0;
  while (Date.now() < until) {
    for (let count = 0; count < BATCH; count += 1) {
      const text = random.below(3) === 0 ? scrambled(random) : mutated(random);
      tried += 2;
      if (answers(text, () => compileFilter(text, { '@p': 1 })(message))) accepted += 1;
      if (answers(text, () => compileAction(text, { '@p': 1 })(message))) accepted += 1;
    }
  }
  // The texts are near enough to the language to get behind the parser.
  expect(accepted).toBeGreaterThan(tried / 100);
});

function answers(text: string, work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof SqlError) return false;
    throw new Error(`Neither refused nor answered: ${JSON.stringify(text)}`, { cause: error });
  }
}

function scrambled(random: Random): string {
  return Array.from({ length: random.below(40) }, () => random.pick(WORDS)).join(random.pick(['', ' ']));
}

/** A well-formed text with a few words taken out, put in or doubled. */
function mutated(random: Random): string {
  const words = (random.below(2) === 0 ? condition(random, 4) : statements(random)).split(/(?<=\s)/);
  for (let times = random.below(4); times > 0; times -= 1) {
    const at = random.below(words.length + 1);
    words.splice(at, random.below(2), random.pick(WORDS));
  }
  return words.join('');
}

function statements(random: Random): string {
  const one = () =>
    random.below(3) === 0 ? `REMOVE ${name(random)}` : `SET ${name(random)} = ${value(random, 3)}`;
  return Array.from({ length: 1 + random.below(4) }, one).join(random.pick([' ; ', ' ', ' , ']));
}

function condition(random: Random, depth: number): string {
  if (depth > 0 && random.below(2) === 0) {
    const left = condition(random, depth - 1);
    return random.pick([
      `NOT ${left}`,
      `( ${left} )`,
      `${left} AND ${condition(random, depth - 1)}`,
      `${left} OR ${condition(random, depth - 1)}`,
    ]);
  }
  const left = value(random, 2);
  return random.pick([
    `${left} ${random.pick(['=', '<>', '<', '<=', '>', '>='])} ${value(random, 2)}`,
    `${name(random)} IS ${random.pick(['', 'NOT '])}NULL`,
    `${left} IN ( ${left} , ${value(random, 1)} )`,
    `${left} LIKE '${random.pick(['%', '_', 'b%', '!%'])}' ${random.pick(['', "ESCAPE '!' "])}`,
    `EXISTS ( ${name(random)} )`,
  ]);
}

function value(random: Random, depth: number): string {
  if (depth > 0 && random.below(2) === 0) {
    return `${value(random, depth - 1)} ${random.pick(['+', '-', '*', '/', '%'])} ${value(random, depth - 1)}`;
  }
  return random.pick([
    name(random),
    '1',
    '2.5',
    "'blue'",
    'TRUE',
    'NULL',
    '@p',
    'newid()',
    "p('color')",
    '-3',
  ]);
}

function name(random: Random): string {
  return random.pick(['color', 'quantity', 'missing', 'nothing', 'user.price', 'sys.Label', '[a b]', '"q"']);
}
