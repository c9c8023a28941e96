import { expect, it } from 'vitest';
import { isOwnRequest } from '../../../src/inspector/guard.ts';

const PORT = 4321;

it.each([
  ['the page itself', { host: '127.0.0.1:4321', origin: 'http://127.0.0.1:4321' }, true],
  ['the page by name', { host: 'localhost:4321', origin: 'http://localhost:4321' }, true],
  ['a program', { host: '127.0.0.1:4321' }, true],
  ['a program over IPv6', { host: '[::1]:4321' }, true],
  ['a page of another site', { host: '127.0.0.1:4321', origin: 'https://stately.ai' }, false],
  ['a page on another port', { host: '127.0.0.1:4321', origin: 'http://127.0.0.1:8080' }, false],
  ['an opaque origin', { host: '127.0.0.1:4321', origin: 'null' }, false],
  ['a rebound name', { host: 'evil.example:4321', origin: 'http://evil.example:4321' }, false],
  ['a rebound name without an origin', { host: 'evil.example:4321' }, false],
  ['an image of our page', { host: '127.0.0.1:4321', 'sec-fetch-site': 'same-origin' }, true],
  ['the address bar', { host: '127.0.0.1:4321', 'sec-fetch-site': 'none' }, true],
  ['an image on a page of another site', { host: '127.0.0.1:4321', 'sec-fetch-site': 'cross-site' }, false],
  ['an image on a page of another port', { host: '127.0.0.1:4321', 'sec-fetch-site': 'same-site' }, false],
  [
    'a link of another site',
    {
      host: '127.0.0.1:4321',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    },
    true,
  ],
  [
    'a frame of another site',
    {
      host: '127.0.0.1:4321',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'iframe',
    },
    false,
  ],
  ['another port in Host', { host: '127.0.0.1:1' }, false],
  ['no Host', {}, false],
])('%s', (_, headers, allowed) => {
  expect(isOwnRequest({ headers }, PORT)).toBe(allowed);
});
