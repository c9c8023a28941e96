// A package that is not installed is one line that says what to install; every other fault of an import stays what it is.
import { expect, it } from 'vitest';
import { explainImport } from '../../../src/common/optional-packages.ts';

const notFound = (message: string): Error =>
  Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' });

it.each([
  "Cannot find package 'quorate-none' imported from /app/main.js",
  "Cannot find package 'quorate-none' imported from /app/node_modules/quorate/dist/a.js",
])('%s', (message) => {
  const failure = notFound(message);
  expect(explainImport(failure, 'quorate-none', 'the part')).toMatchObject({
    code: 'PACKAGE_MISSING',
    message: 'the part is not installed: npm install quorate-none',
    cause: failure,
  });
});

it.each<[string, unknown]>([
  [
    'what the package itself needs',
    notFound("Cannot find package 'other' imported from /app/node_modules/quorate-none/a.js"),
  ],
  [
    'a package of a longer name',
    notFound("Cannot find package 'quorate-none-more' imported from /app/main.js"),
  ],
  ['a fault in the package', new SyntaxError("Unexpected token in 'quorate-none'")],
  ['what is no error', 'quorate-none'],
])('%s stays what it is', (_, failure) => {
  expect(explainImport(failure, 'quorate-none', 'the part')).toBe(failure);
});
