// Which servers are the same, which descriptions are refused, and what is said of one.
import { expect, it } from 'vitest';
import { checkServer, keyOf, type McpServer, nameOf } from '../../../src/mcp/servers.ts';

const token = (): Record<string, string> => ({ authorization: 'secret' });

it.each<readonly [McpServer, McpServer, boolean]>([
  [{ command: 'a', env: { X: '1', Y: '2' } }, { env: { Y: '2', X: '1' }, command: 'a', args: [] }, true],
  [{ command: 'a' }, { command: 'a', args: ['b'] }, false],
  [{ command: 'a' }, { command: 'a', cwd: '/b' }, false],
  [{ url: 'http://a/mcp' }, { url: new URL('http://a/mcp') }, true],
  [{ url: 'http://a/mcp' }, { url: 'http://a/mcp', headers: { k: 'v' } }, false],
  [{ url: 'http://a/mcp', headers: token }, { url: 'http://a/mcp', headers: token }, true],
  [{ url: 'http://a/mcp', headers: token }, { url: 'http://a/mcp', headers: () => ({}) }, false],
  // How long it is kept makes it no other server.
  [{ command: 'a', idleMs: 5 }, { command: 'a' }, true],
])('%j and %j are the same: %s', (one, other, same) => {
  expect(keyOf(one) === keyOf(other)).toBe(same);
});

it.each([
  { command: '' },
  { url: 'ftp://a' },
  { url: 'no url' },
  { command: 'a', url: 'http://a' },
  { command: 'a', comand: 'b' },
  { url: 'http://a', headers: { a: 1 } },
  {},
])('refuses %j', (given) => {
  expect(() => checkServer(given as never)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});

it.each<readonly [McpServer, string]>([
  [
    { command: 'npx', args: ['-y', '@modelcontextprotocol/server-memory', '--token=1'] },
    'npx @modelcontextprotocol/server-memory',
  ],
  [{ command: '/usr/bin/server' }, 'usr/bin/server'],
  [{ url: 'https://key:word@a.example:81/mcp?token=1' }, 'https://a.example:81/mcp'],
])('%j is called %s, without what may be secret', (server, name) => {
  expect(nameOf(server)).toBe(name);
});
