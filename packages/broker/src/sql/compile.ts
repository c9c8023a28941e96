/** From the parsed form to closures: every rule is compiled once and then only called. */
import { randomBytes } from 'node:crypto';
import type { PropertyValue } from '../topology.ts';
import { type Expression, type Predicate, type Property, SqlError } from './ast.ts';
import { likeMatcher } from './like.ts';
import { type MessageView, systemProperty } from './message-view.ts';
import { calculate, compare, equal, negate } from './operators.ts';
import { toSqlValue } from './property-value.ts';
import { Guid, type SqlValue } from './sql-values.ts';

/** True, false, or undefined for unknown. */
export type Test = (message: MessageView) => boolean | undefined;
export type Evaluate = (message: MessageView) => SqlValue;
export type Parameters = Readonly<Record<string, PropertyValue>>;

const UUID_BYTES = 16;

export function compilePredicate(predicate: Predicate, parameters: Parameters): Test {
  const test = (of: Predicate) => compilePredicate(of, parameters);
  const value = (of: Expression) => compileExpression(of, parameters);
  switch (predicate.kind) {
    case 'all':
      return joined(predicate.of.map(test), false);
    case 'any':
      return joined(predicate.of.map(test), true);
    case 'not': {
      const of = test(predicate.of);
      return (message) => inverted(of(message));
    }
    case 'compare': {
      const { operator } = predicate;
      const [left, right] = [value(predicate.left), value(predicate.right)];
      return (message) => {
        const [a, b] = [left(message), right(message)];
        return a === undefined || b === undefined ? undefined : compare(operator, a, b);
      };
    }
    case 'null': {
      const of = value(predicate.property);
      const { negated } = predicate;
      return (message) => (of(message) === undefined) !== negated;
    }
    case 'exists':
      return existence(predicate.property);
    case 'in':
      return membership(value(predicate.of), predicate.items.map(value), predicate.negated);
    case 'like':
      return likeness(predicate, value);
  }
}

export function compileExpression(expression: Expression, parameters: Parameters): Evaluate {
  switch (expression.kind) {
    case 'constant': {
      const { value } = expression;
      return () => value;
    }
    case 'parameter': {
      const value = parameterValue(expression.name, parameters);
      return () => value;
    }
    case 'newid':
      return newId;
    case 'property':
      return property(expression);
    case 'lookup': {
      const name = compileExpression(expression.name, parameters);
      return (message) => {
        const wanted = name(message);
        if (wanted === undefined) return undefined;
        if (typeof wanted !== 'string') throw new SqlError('property() takes a string.');
        return message.user(wanted.toLowerCase())?.value;
      };
    }
    case 'negative': {
      const of = compileExpression(expression.of, parameters);
      return (message) => {
        const value = of(message);
        return value === undefined ? undefined : negate(value);
      };
    }
    case 'arithmetic': {
      const { operator } = expression;
      const left = compileExpression(expression.left, parameters);
      const right = compileExpression(expression.right, parameters);
      return (message) => {
        const [a, b] = [left(message), right(message)];
        return a === undefined || b === undefined ? undefined : calculate(operator, a, b);
      };
    }
  }
}

/** AND ends at the first false, OR at the first true; short of that one unknown makes the whole unknown. */
function joined(tests: readonly Test[], decisive: boolean): Test {
  return (message) => {
    let result: boolean | undefined = !decisive;
    for (const test of tests) {
      const one = test(message);
      if (one === decisive) return decisive;
      if (one === undefined) result = undefined;
    }
    return result;
  };
}

function inverted(result: boolean | undefined): boolean | undefined {
  return result === undefined ? undefined : !result;
}

function property({ scope, name }: Property): Evaluate {
  if (scope === 'user') {
    const wanted = name.toLowerCase();
    return (message) => message.user(wanted)?.value;
  }
  const known = systemProperty(name);
  if (known) return (message) => message.system(known);
  // Not at once: the documentation has the error when the property is evaluated.
  return () => {
    throw new SqlError(`The system property '${name}' does not exist.`);
  };
}

function existence(of: Property): Test {
  if (of.scope === 'user') {
    const wanted = of.name.toLowerCase();
    return (message) => message.user(wanted) !== undefined;
  }
  const value = property(of);
  return (message) => value(message) !== undefined;
}

function membership(of: Evaluate, items: readonly Evaluate[], negated: boolean): Test {
  return (message) => {
    const value = of(message);
    if (value === undefined) return undefined;
    let unknown = false;
    for (const each of items) {
      const item = each(message);
      if (item === undefined) unknown = true;
      else if (equal(value, item)) return !negated;
    }
    return unknown ? undefined : negated;
  };
}

function likeness(like: Predicate & { kind: 'like' }, value: (of: Expression) => Evaluate): Test {
  const [of, pattern] = [value(like.of), value(like.pattern)];
  const escape = like.escape && value(like.escape);
  // The usual case, a constant pattern, is taken apart once; a wrong one is refused with its rule.
  const constant =
    like.pattern.kind === 'constant' && (!like.escape || like.escape.kind === 'constant')
      ? matcher(like.pattern.value, like.escape?.value, like.escape !== undefined)
      : undefined;
  return (message) => {
    const text = of(message);
    const matches = constant ?? matcher(pattern(message), escape && escape(message), escape !== undefined);
    if (text === undefined || matches === undefined) return undefined;
    if (typeof text !== 'string') throw new SqlError('LIKE compares strings.');
    return matches(text) !== like.negated;
  };
}

function matcher(
  pattern: SqlValue,
  escape: SqlValue,
  hasEscape: boolean,
): ((text: string) => boolean) | undefined {
  if (pattern === undefined || (hasEscape && escape === undefined)) return undefined;
  if (typeof pattern !== 'string') throw new SqlError('The pattern of LIKE must be a string.');
  if (escape !== undefined && typeof escape !== 'string') {
    throw new SqlError('The escape character of LIKE must be a string of length 1.');
  }
  return likeMatcher(pattern, escape);
}

function parameterValue(name: string, parameters: Parameters): SqlValue {
  const entry = Object.entries(parameters).find(([key]) => key.toLowerCase() === name.toLowerCase());
  if (!entry) throw new SqlError(`The parameter '${name}' has no value.`);
  return toSqlValue(entry[1]);
}

/** A random UUID, version 4. */
function newId(): Guid {
  const bytes = randomBytes(UUID_BYTES);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return new Guid(bytes);
}
