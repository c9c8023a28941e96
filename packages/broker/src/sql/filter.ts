// From text to a function: a filter or an action is parsed here, a filter compiled too; any other text is a SqlError.
import type { IToken } from 'chevrotain';
import { asPredicate, type Predicate, SqlError, type Statement } from './ast.ts';
import { compilePredicate, type Parameters } from './compile.ts';
import { SqlParser } from './grammar.ts';
import * as t from './lexer.ts';
import type { MessageView } from './message-view.ts';

const MAX_DEPTH = 100;

const parser = new SqlParser();

function parseFilter(text: string): Predicate {
  return asPredicate(parsed(text, () => parser.filter()));
}

export function parseAction(text: string): Statement[] {
  return parsed(text, () => parser.statements());
}

function parsed<T>(text: string, rule: () => T): T {
  const { tokens, errors } = t.lexer.tokenize(text);
  const [bad] = errors;
  if (bad) throw new SqlError(`Syntax error at position ${bad.offset} near '${text[bad.offset] ?? ''}'.`);
  checkDepth(tokens);
  parser.input = tokens;
  const result = rule();
  const [error] = parser.errors;
  if (error?.token.image) {
    throw new SqlError(`Syntax error at position ${error.token.startOffset} near '${error.token.image}'.`);
  }
  if (error) throw new SqlError('Syntax error: the expression ends too early.');
  return result;
}

/** A parser by recursive descent: nesting is stack. */
function checkDepth(tokens: readonly IToken[]): void {
  let depth = 0;
  for (const { tokenType } of tokens) {
    if (tokenType === t.Open) depth += 1;
    else if (tokenType === t.Close) depth -= 1;
    if (depth > MAX_DEPTH) throw new SqlError(`It is nested deeper than ${MAX_DEPTH}.`);
  }
}

const MAX_LENGTH = 1024;

/** A SQL filter, parsed and compiled; throws a SqlError for any other text. Unknown does not match. */
export function compileFilter(
  expression: string,
  parameters: Parameters = {},
): (message: MessageView) => boolean {
  checkLength(expression);
  const test = compilePredicate(parseFilter(expression), parameters);
  return (message) => test(message) === true;
}

export function checkLength(expression: string): void {
  if (expression.length > MAX_LENGTH)
    throw new SqlError(`A rule's expression has at most ${MAX_LENGTH} characters.`);
}
