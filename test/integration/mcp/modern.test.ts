// Servers that refuse `initialize`, because they are newer: over stdio and over HTTP.
import { createMcpHandler } from '@modelcontextprotocol/server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callTool } from '../../../src/mcp/call.ts';
import { closeServer } from '../../../src/mcp/connections.ts';
import { listen, type McpEndpoint } from '../../../src/mcp/serve/http-server.ts';
import type { McpServer } from '../../../src/mcp/servers.ts';
import { modernServer } from '../../kit/mcp/modern.ts';
import { modernProgram } from '../../kit/mcp/servers.ts';

const program = modernProgram();
let endpoint: McpEndpoint;

beforeAll(async () => {
  endpoint = await listen(createMcpHandler(modernServer, { legacy: 'reject' }), 0);
});

afterAll(async () => {
  await Promise.all([program, { url: endpoint.url }].map(closeServer));
  await endpoint.close();
});

it.each(['stdio', 'HTTP'])(
  'are called as others over %s, cancelled and asked whether they live',
  async (over) => {
    const server: McpServer = over === 'stdio' ? program : { url: endpoint.url };
    const { text } = await callTool(server, { tool: 'echo', arguments: { x: 1 } }, { key: 'k' });
    expect(JSON.parse(text)).toEqual({ args: { x: 1 }, key: 'k', isModern: true });
    const hanging = callTool(server, { tool: 'hang', silenceMs: 50 });
    await expect(hanging).rejects.toMatchObject({ code: 'MCP_SERVER_FAILED', failure: { kind: 'unknown' } });
    // The same server, or it would not know.
    await expect.poll(async () => (await callTool(server, { tool: 'told' })).value).toEqual({ aborted: 1 });
  },
);
