// MCP servers for tests: one by hand that misbehaves on demand, and published ones.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { McpProgram } from '../../../src/mcp/servers.ts';

const require = createRequire(import.meta.url);
const OWN = fileURLToPath(new URL('server.js', import.meta.url));

/** `name` makes it another server than others of the kit. */
export function ownServer(name: string, ...args: readonly string[]): McpProgram {
  return { command: process.execPath, args: [OWN, ...args], env: { KIT: name } };
}

/** Of the generation 2026-07-28 alone. */
export function modernProgram(): McpProgram {
  return { command: process.execPath, args: [fileURLToPath(new URL('modern.ts', import.meta.url))] };
}

export function publishedServer(
  name: 'everything' | 'filesystem' | 'memory',
  ...args: readonly string[]
): McpProgram {
  const manifest = require.resolve(`@modelcontextprotocol/server-${name}/package.json`);
  return { command: process.execPath, args: [join(dirname(manifest), 'dist', 'index.js'), ...args] };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
