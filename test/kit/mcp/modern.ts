// A server of the newer generation alone, 2026-07-28, over stdio; imported, its tools for another transport.
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

export const told = { aborted: 0 };

export function modernServer(): McpServer {
  const server = new McpServer({ name: 'modern', version: '1' }, { capabilities: { tools: {} } });
  const inputSchema = fromJsonSchema({ type: 'object' });
  server.registerTool('echo', { inputSchema }, (args, { mcpReq }) => {
    const { 'quorate/idempotency-key': key } = mcpReq._meta ?? {};
    return {
      content: [
        { type: 'text', text: JSON.stringify({ args, key, isModern: mcpReq.envelope !== undefined }) },
      ],
    };
  });
  server.registerTool('hang', { inputSchema }, async (_, { mcpReq }) => {
    await new Promise((resolve) => mcpReq.signal.addEventListener('abort', resolve));
    told.aborted += 1;
    return { content: [] };
  });
  server.registerTool('told', { inputSchema }, () => ({ content: [], structuredContent: told }));
  return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serveStdio(modernServer, { legacy: 'reject' });
