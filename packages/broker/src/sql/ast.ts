/** The parsed form of SQL filters and actions, and the one error of this folder. */
import type { IToken } from 'chevrotain';
import type { SqlValue } from './sql-values.ts';

/** A filter or action that cannot be parsed, or that fails on a message. */
export class SqlError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SqlError';
  }
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';

export interface Property {
  kind: 'property';
  scope: 'sys' | 'user';
  /** As written; compared without case. */
  name: string;
}

export type Expression =
  | { kind: 'constant'; value: SqlValue }
  | { kind: 'parameter'; name: string }
  | { kind: 'lookup'; name: Expression }
  | { kind: 'newid' }
  | { kind: 'arithmetic'; operator: ArithmeticOperator; left: Expression; right: Expression }
  | { kind: 'negative'; of: Expression }
  | Property;

export type Predicate =
  | { kind: 'all' | 'any'; of: Predicate[] }
  | { kind: 'not'; of: Predicate }
  | { kind: 'compare'; operator: ComparisonOperator; left: Expression; right: Expression }
  | { kind: 'null'; property: Property; negated: boolean }
  | { kind: 'in'; of: Expression; items: Expression[]; negated: boolean }
  | {
      kind: 'like';
      of: Expression;
      pattern: Expression;
      escape: Expression | undefined;
      negated: boolean;
    }
  | { kind: 'exists'; property: Property };

/** What stands in parentheses may be either; the grammar is told apart after parsing. */
export type Node = Expression | Predicate;

export type Statement =
  | { kind: 'set'; property: Property; value: Expression }
  | { kind: 'remove'; property: Property };

const PREDICATES = new Set<Node['kind']>(['all', 'any', 'not', 'compare', 'null', 'in', 'like', 'exists']);

export function asPredicate(node: Node): Predicate {
  if (!PREDICATES.has(node.kind)) throw new SqlError('A condition is expected where a value stands.');
  return node as Predicate;
}

export function asExpression(node: Node): Expression {
  if (PREDICATES.has(node.kind)) throw new SqlError('A value is expected where a condition stands.');
  return node as Expression;
}

export function asProperty(node: Node): Property {
  if (node.kind !== 'property') throw new SqlError('A property is expected.');
  return node;
}

// Parts of the parsed form, made from tokens.

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

/** The text without its marks; doubled closing marks are single again. */
export function unquoted({ image }: IToken, mark: string): string {
  return image.slice(1, -1).replaceAll(mark + mark, mark);
}
