// A SQL filter, parsed and compiled to a function; any other text is a SqlError.
import { SqlError } from './ast.ts';
import { compilePredicate, type Parameters } from './compile.ts';
import type { MessageView } from './message-view.ts';
import { parseFilter } from './parser.ts';

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
