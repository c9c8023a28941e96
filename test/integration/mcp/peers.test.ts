// Published servers as peers: files, memory and everything (the reference server), over stdio and over HTTP; stopped, killed, slow.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ToolSet } from 'ai';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { AgentContext } from '../../../src/contract/config.ts';
import { mcpAgent, mcpTools } from '../../../src/mcp/agent.ts';
import { callTool } from '../../../src/mcp/call.ts';
import { closeServer } from '../../../src/mcp/connections.ts';
import type { McpServer } from '../../../src/mcp/servers.ts';
import { publishedServer } from '../../kit/mcp/servers.ts';

const context = { key: 'k', signal: new AbortController().signal } as unknown as AgentContext;

describe('over stdio', () => {
  let folder: string;
  let files: McpServer;
  let memory: McpServer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quorate-mcp-'));
    files = publishedServer('filesystem', folder);
    memory = { ...publishedServer('memory'), env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') } };
  });

  afterAll(async () => {
    await Promise.all([files, memory].map(closeServer));
    await rm(folder, { recursive: true, force: true });
  });

  it('reads files as an agent, and puts away what is large', async () => {
    const path = join(folder, 'long.txt');
    await writeFile(path, 'long '.repeat(100_000));
    const put: unknown[] = [];
    const payloads = {
      put: async (value: unknown) => {
        put.push(value);
        return { $payload: 'there', bytes: 1 };
      },
    };
    const read = mcpAgent({ server: files, tool: 'read_text_file' });
    const small = { path, head: 1 };
    const whole = await read.run({ path }, { ...context, payloads } as unknown as AgentContext);
    expect(whole).toEqual({ $payload: 'there', bytes: 1 });
    expect(put).toEqual([{ content: 'long '.repeat(100_000) }]);
    await writeFile(path, 'first\nsecond');
    expect(await read.run(small, context)).toEqual({ content: 'first' });
    const outside = read.run({ path: '/etc/hostname' }, context);
    await expect(outside).rejects.toMatchObject({ code: 'MCP_TOOL_FAILED', failure: { kind: 'permanent' } });
    await read.close?.();
  });

  it('remembers in a graph', async () => {
    const entities = [{ name: 'Ada', entityType: 'person', observations: ['counts'] }];
    await callTool(memory, { tool: 'create_entities', arguments: { entities } });
    expect((await callTool(memory, { tool: 'read_graph' })).value).toEqual({ entities, relations: [] });
    const bad = callTool(memory, { tool: 'create_entities', arguments: { entities: 'Ada' } });
    await expect(bad).rejects.toMatchObject({ failure: { kind: 'permanent' } });
  });
});

describe('over HTTP', () => {
  const environment = { HOME: tmpdir(), PATH: process.env['PATH'] };
  let port: number;
  let everything: McpServer;
  let host: ChildProcess;

  async function startHost(): Promise<ChildProcess> {
    const { command, args = [] } = publishedServer('everything', 'streamableHttp');
    const child = spawn(command, args, {
      env: { ...environment, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise((resolve, reject) => {
      child.stderr.on('data', (chunk) => String(chunk).includes('listening') && resolve(undefined));
      child.once('exit', reject);
    });
    return child;
  }

  beforeAll(async () => {
    port = await freePort();
    everything = { url: `http://127.0.0.1:${port}/mcp` };
    host = await startHost();
  });

  afterAll(async () => {
    await closeServer(everything);
    host.kill('SIGKILL');
  });

  it('adds, describes, paints and reports', async () => {
    const sum = await callTool(everything, { tool: 'get-sum', arguments: { a: 2, b: 3 } });
    expect(sum.value).toBe('The sum of 2 and 3 is 5.');
    const weather = { tool: 'get-structured-content', arguments: { location: 'Chicago' } };
    expect((await callTool(everything, weather)).value).toEqual({
      temperature: 36,
      conditions: 'Light rain / drizzle',
      humidity: 82,
    });
    const { value: painted } = await callTool(everything, { tool: 'get-tiny-image' });
    expect(painted).toContainEqual(expect.objectContaining({ type: 'image', mimeType: 'image/png' }));
    const steps: number[] = [];
    await callTool(everything, {
      tool: 'trigger-long-running-operation',
      arguments: { duration: 0.2, steps: 4 },
      onProgress: ({ progress }) => void steps.push(progress),
    });
    expect(steps.slice(0, 3)).toEqual([1, 2, 3]);
  });

  it('gives its tools to a model, as the AI SDK takes them', async () => {
    const { asSchema } = await import('ai');
    const tools = await mcpTools(everything, { only: ['get-sum'] });
    expectTypeOf(tools).toExtend<ToolSet>();
    expect(Object.keys(tools)).toEqual(['get-sum']);
    const { 'get-sum': tool } = tools;
    if (tool === undefined) throw new Error('it is not there');
    expect(await asSchema(tool.inputSchema as never).jsonSchema).toMatchObject({
      type: 'object',
      required: ['a', 'b'],
    });
    expect(await tool.execute({ a: 1, b: 1 }, { toolCallId: 'c1' })).toBe('The sum of 1 and 1 is 2.');
  });

  it('killed while a tool runs it fails the call at once; another at its address serves the next', async () => {
    const long = callTool(everything, {
      tool: 'trigger-long-running-operation',
      arguments: { duration: 1_000, steps: 5_000 },
      // Not its silence ends it, which would be as long as the suite bears.
      silenceMs: 140_000,
      onProgress: () => host.kill('SIGKILL'),
    });
    await expect(long).rejects.toMatchObject({ code: 'MCP_SERVER_FAILED', failure: { kind: 'transient' } });
    const refused = callTool(everything, { tool: 'echo', arguments: { message: 'hello' } });
    await expect(refused).rejects.toMatchObject({
      code: 'MCP_SERVER_FAILED',
      failure: { kind: 'transient' },
    });
    host = await startHost();
    const echo = { tool: 'echo', arguments: { message: 'hello' } };
    expect((await callTool(everything, echo)).value).toBe('Echo: hello');
  });

  it('stopped it fails the call after its silence, and is no use until it continues', async () => {
    const echo = { tool: 'echo', arguments: { message: 'still there' }, silenceMs: 200 };
    host.kill('SIGSTOP');
    const silent = { code: 'MCP_SERVER_FAILED', failure: { kind: 'transient' } };
    await expect(callTool(everything, echo)).rejects.toMatchObject(silent);
    host.kill('SIGCONT');
    expect((await callTool(everything, echo)).value).toBe('Echo: still there');
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
