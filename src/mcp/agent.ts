// A tool of an MCP server as an agent, and the tools of a server for a model.
import type { AgentContext, IoAgent } from '../contract/config.ts';
import type { Answer, Json, JsonObject } from '../contract/json.ts';
import { MAX_BODY_BYTES } from '../contract/sizes.ts';
import { callTool, DEFAULT_TIMEOUT_MS, type McpResult, type ToolCall } from './call.ts';
import { closeServer, useServer } from './connections.ts';
import type { McpProgress } from './sdk-client.ts';
import type { McpServer } from './servers.ts';

/** What `mcpAgent` is told. */
export interface McpAgentOptions<Input, Output> extends Omit<ToolCall, 'arguments' | 'onProgress'> {
  /** A server, or which one it is for an input: a folder a run, for example. */
  readonly server: McpServer | ((input: Input) => McpServer);
  /** Default: the input itself. */
  readonly arguments?: (input: Input, context: AgentContext) => JsonObject;
  /** The answer of the agent. Default: `value` of the result. */
  readonly output?: (result: McpResult, input: Input, context: AgentContext) => Output | Promise<Output>;
  /** An answer of more bytes than this is stored, and the agent answers with its reference (`isPayloadRef`). Default 196,608; false: never. */
  readonly claimAbove?: number | false;
  readonly onProgress?: (progress: McpProgress, context: AgentContext) => void;
}

/**
 * An agent that calls one tool of an MCP server: an ordinary I/O agent, beside whose fields `limit`, `retry`, `concurrency` and the
 * others are given.
 *
 * @example
 * const files = { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/srv/docs'] };
 * const agents = { read: { ...mcpAgent({ server: files, tool: 'read_text_file' }), concurrency: 4 } };
 */
export function mcpAgent<Input extends Json = JsonObject, Output = Json>({
  server,
  arguments: argumentsOf = (input) => input as unknown as JsonObject,
  output = ({ value }) => value as Output,
  claimAbove = MAX_BODY_BYTES,
  onProgress,
  ...call
}: McpAgentOptions<Input, Output>): Pick<IoAgent, 'timeoutMs' | 'close'> & {
  readonly run: (input: Input, context: AgentContext) => Promise<Output & Answer>;
} {
  const used = new Map<string, McpServer>();
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = call;
  return {
    timeoutMs,
    run: async (input, context) => {
      const own = typeof server === 'function' ? server(input) : server;
      used.set(JSON.stringify(own), own);
      const progress =
        onProgress === undefined ? {} : { onProgress: (one: McpProgress) => onProgress(one, context) };
      const asked = { ...call, arguments: argumentsOf(input, context), ...progress };
      const answer = await output(await callTool(own, asked, context), input, context);
      const isLarge = claimAbove !== false && Buffer.byteLength(JSON.stringify(answer) ?? '') > claimAbove;
      return (isLarge ? await context.payloads.put(answer as Json) : answer) as Output & Answer;
    },
    close: async () => {
      const all = [...used.values()];
      used.clear();
      await Promise.all(all.map(closeServer));
    },
  };
}

/** A tool as the AI SDK takes it, without a type of that package. */
export interface ModelTool {
  readonly description: string;
  /** A standard schema that gives its JSON schema. The server checks what a model gives it. */
  readonly inputSchema: {
    readonly '~standard': {
      readonly version: 1;
      readonly vendor: string;
      readonly validate: (value: unknown) => { readonly value: unknown };
      readonly jsonSchema: { readonly input: () => JsonObject; readonly output: () => JsonObject };
    };
  };
  readonly execute: (
    input: unknown,
    options: { readonly toolCallId?: string; readonly abortSignal?: AbortSignal | undefined },
  ) => Promise<Json>;
}

/** What `mcpTools` is told. */
export interface McpToolsOptions extends Pick<ToolCall, 'silenceMs' | 'timeoutMs'> {
  /** Names of the tools that a model gets. Default: all. */
  readonly only?: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * The tools of a server for a model, by name: `tools` of `modelAgent`, `generateText` or `streamText`. A tool that fails throws, which
 * the AI SDK shows to the model.
 *
 * @example
 * const tools = await mcpTools(files, { only: ['read_text_file', 'search_files'] });
 */
export async function mcpTools(
  server: McpServer,
  { only, signal = new AbortController().signal, ...limits }: McpToolsOptions = {},
): Promise<Readonly<Record<string, ModelTool>>> {
  const known = await useServer(server, signal, async ({ connection }) => [...connection.tools().values()]);
  const chosen = known.filter(({ name }) => only?.includes(name) !== false);
  return Object.fromEntries(
    chosen.map(({ name, description = '', inputSchema }) => [
      name,
      {
        description,
        inputSchema: standardSchema(inputSchema),
        execute: async (input, { toolCallId, abortSignal }) => {
          const of = { ...(abortSignal && { signal: abortSignal }), ...(toolCallId && { key: toolCallId }) };
          return (await callTool(server, { ...limits, tool: name, arguments: input as JsonObject }, of))
            .value;
        },
      } satisfies ModelTool,
    ]),
  );
}

function standardSchema(schema: JsonObject): ModelTool['inputSchema'] {
  const give = (): JsonObject => schema;
  return {
    '~standard': {
      version: 1,
      vendor: 'quorate-mcp',
      validate: (value) => ({ value }),
      jsonSchema: { input: give, output: give },
    },
  };
}
