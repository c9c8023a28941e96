import { expect, test } from 'vitest';
import { isLoopback, originAllowed } from '../../../src/transport/http.ts';

const PAGE = 'https://app.example';

test.each<[string, string | undefined, string, boolean]>([
  ['a program', undefined, 'localhost:5672', true],
  ['a program that calls itself by our address', 'http://localhost:5672', 'localhost:5672', true],
  ['the same with TLS', 'https://localhost:5671', 'localhost:5671', true],
  ['the same at the usual port', 'https://127.0.0.1', '127.0.0.1:443', true],
  ['the same over IPv6', 'http://[::1]:5672', '[::1]:5672', true],
  ['the same by the name of a container', 'http://servicebus:5672', 'servicebus:5672', true],
  ['a page of another site', PAGE, 'localhost:5672', false],
  ['a page of another port', 'http://localhost:3000', 'localhost:5672', false],
  ['a page whose name leads here', 'http://evil.example:5672', 'evil.example:5672', false],
  ['a page without an origin', 'null', 'localhost:5672', false],
  ['no URL', '%', 'localhost:5672', false],
  ['nothing at all', '', '', false],
  ['a page of another port of IPv6', 'http://[::1]:3000', '[::1]:5672', false],
  ['a page whose name ends as ours', 'http://evil-localhost.example:5672', 'localhost:5672', false],
  ['a page with our name as its user', 'http://localhost:5672@evil.example', 'localhost:5672', false],
  ['a page that leads here by a name with a dot', 'http://localhost.:5672', 'localhost.:5672', false],
  ['a file', 'file://', 'localhost:5672', false],
  ['an extension', 'chrome-extension://abcdef', 'localhost:5672', false],
  ['our own name in capitals', 'HTTP://LocalHost:5672', 'LOCALHOST:5672', true],
])('%s', (_, origin, host, allowed) => {
  expect(originAllowed({ headers: { origin, host } }, [])).toBe(allowed);
});

test('a page may be allowed, or all', () => {
  const request = { headers: { origin: PAGE, host: 'localhost:5672' } };
  expect(originAllowed(request, [PAGE])).toBe(true);
  expect(originAllowed(request, ['*'])).toBe(true);
  expect(originAllowed(request, [`${PAGE}:8443`])).toBe(false);
  expect(originAllowed(request, ['HTTPS://App.Example/'])).toBe(true);
  expect(originAllowed(request, ['https://app.example.evil', 'http://app.example', ''])).toBe(false);
  const opaque = { headers: { origin: 'null', host: 'localhost:5672' } };
  expect([originAllowed(opaque, [PAGE]), originAllowed(opaque, ['null'])]).toEqual([false, true]);
});

test.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.5', false],
  ['127.example', false],
])('%s is of this machine alone: %s', (host, loopback) => {
  expect(isLoopback(host)).toBe(loopback);
});
