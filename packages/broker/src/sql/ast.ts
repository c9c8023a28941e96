/** The parsed form of SQL filters and actions, and the one error of this folder. */
import type { SqlValue } from './values.ts';

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
