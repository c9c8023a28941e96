/** Parts of the parsed form, made from tokens. */
import type { IToken } from 'chevrotain';
import {
  type ArithmeticOperator,
  asExpression,
  asPredicate,
  type ComparisonOperator,
  type Expression,
  type Node,
  SqlError,
} from './ast.ts';

const LONG_LIMIT = 2n ** 63n;

export function joined(kind: 'all' | 'any', first: Node, rest: Node[]): Node {
  return rest.length === 0 ? first : { kind, of: [first, ...rest].map(asPredicate) };
}

export function arithmetic({ image }: IToken, left: Node, right: Node): Node {
  return {
    kind: 'arithmetic',
    operator: image as ArithmeticOperator,
    left: asExpression(left),
    right: asExpression(right),
  };
}

/** A sign before a number is part of it, so that the lowest long can be written. */
export function withSigns(signs: IToken[], of: Node): Node {
  const negative = signs.filter(({ image }) => image === '-').length % 2 === 1;
  if (of.kind === 'constant' && typeof of.value === 'bigint') {
    const value = negative ? -of.value : of.value;
    if (BigInt.asIntN(64, value) !== value || of.value > LONG_LIMIT)
      throw new SqlError(`${value} is out of the range of a long.`);
    return { kind: 'constant', value };
  }
  if (signs.length === 0) return of;
  const operand = asExpression(of);
  return negative ? { kind: 'negative', of: operand } : positive(operand);
}

/** `+x` is x for numbers and an error for everything else, as adding 0 is. */
function positive(of: Expression): Expression {
  return { kind: 'negative', of: { kind: 'negative', of } };
}

export function comparisonOperator({ image }: IToken): ComparisonOperator {
  return image === '!=' ? '<>' : (image as ComparisonOperator);
}

export function functionCall(name: string, argument: Node | undefined): Expression {
  switch (name.toLowerCase()) {
    case 'newid':
      if (argument) throw new SqlError('newid() takes no argument.');
      return { kind: 'newid' };
    case 'p':
    case 'property':
      if (!argument) throw new SqlError(`${name}() takes the name of a property.`);
      return { kind: 'lookup', name: asExpression(argument) };
    default:
      throw new SqlError(`The function '${name}' is unknown.`);
  }
}

/** Without its marks, doubled closing marks single again. */
export function unquoted({ image }: IToken, mark: string): string {
  return image.slice(1, -1).replaceAll(mark + mark, mark);
}
