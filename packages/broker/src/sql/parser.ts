/** From text to the parsed form; whatever is no filter or action is a SqlError. */
import type { IToken } from 'chevrotain';
import { asPredicate, type Predicate, SqlError, type Statement } from './ast.ts';
import { SqlParser } from './grammar.ts';
import * as t from './tokens.ts';

const MAX_DEPTH = 100;

const parser = new SqlParser();

export function parseFilter(text: string): Predicate {
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
