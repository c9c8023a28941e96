// The file system server of the Model Context Protocol over stdio: one process a folder, started when first needed,
// kept while the agent lives, started anew after it died, gone with this process.
import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { errorText, Failure } from './failure.ts';

const require = createRequire(import.meta.url);

/** Reviews of so many folders at once; the process of the longest unused one makes room. */
const MAX_SERVERS = 4;

interface Server {
  readonly client: Client;
  readonly transport: StdioClientTransport;
}

const servers = new Map<string, Promise<Server>>();

export interface ToolCall {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}

/** The tool's text. A tool's own refusal and a dead server are one coded failure each, and may be tried again. */
export async function callFileTool(root: string, call: ToolCall, signal: AbortSignal): Promise<string> {
  const { client } = await serverOf(root);
  const failed = (why: string, cause?: unknown): Failure =>
    new Failure('MCP_TOOL_FAILED', `the tool ${call.name} failed: ${why}`, cause);
  const result = await client.callTool({ ...call }, undefined, { signal }).catch((error: unknown) => {
    throw failed(errorText(error), error);
  });
  const content = Array.isArray(result.content) ? (result.content as { type: string; text?: string }[]) : [];
  const text = content.flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('\n');
  if (result.isError === true) throw failed(text);
  return text;
}

/** Process id of the server of a folder: for tests and for people who wonder. */
export async function fileServerPid(root: string): Promise<number | null> {
  return (await servers.get(root))?.transport.pid ?? null;
}

export async function closeFileServers(): Promise<void> {
  const open = [...servers.values()];
  servers.clear();
  for (const server of open) await (await server).client.close();
}

function serverOf(root: string): Promise<Server> {
  const known = servers.get(root);
  if (known !== undefined) {
    // Last used is last in the map.
    servers.delete(root);
    servers.set(root, known);
    return known;
  }
  const started = startServer(root);
  servers.set(root, started);
  const forget = (): void => {
    if (servers.get(root) === started) servers.delete(root);
  };
  started.then(({ client }) => {
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's client has no other way
    client.onclose = forget;
  }, forget);
  makeRoom();
  return started;
}

async function startServer(root: string): Promise<Server> {
  // Loaded when first needed: a process that only serves other agents starts faster and stays smaller without.
  const [{ Client }, { StdioClientTransport }] = await Promise.all([
    import('@modelcontextprotocol/sdk/client/index.js'),
    import('@modelcontextprotocol/sdk/client/stdio.js'),
  ]);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [serverScript(), root],
    // Its greeting and its warnings are not for our terminal.
    stderr: 'ignore',
  });
  const client = new Client({ name: 'quorate-repo-review', version: '1.0.0' });
  try {
    await client.connect(transport);
  } catch (error) {
    throw new Failure('MCP_TOOL_FAILED', `the file system server did not start: ${errorText(error)}`, error);
  }
  letProcessEnd(transport);
  return { client, transport };
}

function makeRoom(): void {
  for (const [root, server] of servers) {
    if (servers.size <= MAX_SERVERS) return;
    servers.delete(root);
    server.then(({ client }) => client.close()).catch(() => undefined);
  }
}

function serverScript(): string {
  const manifest = require.resolve('@modelcontextprotocol/server-filesystem/package.json');
  return join(dirname(manifest), 'dist', 'index.js');
}

/** An idle server must not keep this process alive. However we end, the end of its stdin ends the server too. */
function letProcessEnd(transport: StdioClientTransport): void {
  // The SDK keeps its child private and gives no other way to let go of it.
  const { _process: child } = transport as unknown as { readonly _process?: ChildProcess };
  child?.unref();
  for (const pipe of [child?.stdin, child?.stdout]) (pipe as Socket | null | undefined)?.unref();
}
