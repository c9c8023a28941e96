// The adapter to `@modelcontextprotocol/server`: the only file that calls it. One set of tools for both generations of the protocol, over
// stdio and over HTTP; each request of HTTP has a server of its own, since all state is in the actors.
import type { Writable } from 'node:stream';
import type { McpServer, ServerContext, StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { loadMcpServer } from '../../common/optional-packages.ts';
import { ERROR_HINTS, isErrorCode, QuorateError, toErrorJson } from '../../contract/errors.ts';
import type { JsonObject } from '../../contract/json.ts';
import { KEY_META } from '../call.ts';
import { inServedCall } from '../spans.ts';
import { formOf } from './forms.ts';
import type { Call, ServedTool } from './tools.ts';

export interface McpHttp {
  fetch(request: Request): Promise<Response>;
  close(): Promise<void>;
}

export interface McpFace {
  /** Serves stdin and a stream that goes to stdout and is the protocol's alone. */
  stdio(output: Writable, onClose: () => void): { close(): Promise<void> };
  /** Answers programs of this machine alone: other hosts and origins get 403. */
  http(): McpHttp;
}

type Sdk = Awaited<ReturnType<typeof loadMcpServer>>;

const INSTRUCTIONS =
  'Runs are durable: they go on when this connection ends, and are found again by type and id. Start one, then call `result`.';
/** A person takes as long as it takes; the client's own time-out ends it. */
const PERSON_MS = 3_600_000;

/** Throws PACKAGE_MISSING. */
export async function createFace(tools: readonly ServedTool[], version: string): Promise<McpFace> {
  const sdk = await loadMcpServer();
  const factory = (): McpServer => {
    const server = new sdk.McpServer(
      { name: 'quorate', version },
      {
        capabilities: { tools: {} },
        instructions: INSTRUCTIONS,
        inputRequired: { roundTimeoutMs: PERSON_MS },
      },
    );
    for (const tool of tools) {
      const { name, description, inputSchema, annotations } = tool;
      const schema = checkedLater(sdk, inputSchema);
      server.registerTool(name, { description, annotations, inputSchema: schema }, (args, context) =>
        answer(sdk, server, tool, args, context),
      );
    }
    return server;
  };
  return {
    stdio(output, onClose) {
      const transport = new sdk.StdioServerTransport(process.stdin, output);
      const handle = sdk.serveStdio(factory, { transport });
      process.stdin.once('end', onClose);
      process.stdin.once('close', onClose);
      return handle;
    },
    http() {
      const handler = sdk.createMcpHandler(factory);
      return {
        async fetch(request) {
          const refused =
            sdk.hostHeaderValidationResponse(request, sdk.localhostAllowedHostnames()) ??
            sdk.originValidationResponse(request, sdk.localhostAllowedOrigins());
          return refused ?? handler.fetch(request);
        },
        close: () => handler.close(),
      };
    },
  };
}

/** Arguments that do not fit, in place of them: what is wrong is said as all other errors are. */
class Misfit {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

type Schema = StandardSchemaWithJSON<JsonObject, JsonObject | Misfit>;

function checkedLater(sdk: Sdk, inputSchema: JsonObject): Schema {
  const { '~standard': standard } = sdk.fromJsonSchema<JsonObject>(inputSchema);
  const validate = async (value: unknown): Promise<{ readonly value: JsonObject | Misfit }> => {
    const checked = await standard.validate(value);
    if (checked.issues === undefined) return checked;
    return { value: new Misfit(checked.issues.map(({ message }) => message).join('; ')) };
  };
  return { '~standard': { ...standard, validate } };
}

async function answer(
  sdk: Sdk,
  server: McpServer,
  tool: ServedTool,
  args: JsonObject | Misfit,
  context: ServerContext,
) {
  const { mcpReq, http } = context;
  // Who hangs up has stopped waiting, also where the protocol does not say so.
  const signal = http?.req === undefined ? mcpReq.signal : AbortSignal.any([mcpReq.signal, http.req.signal]);
  const key = mcpReq._meta?.[KEY_META];
  const call: Call = {
    signal,
    key: typeof key === 'string' ? key : undefined,
    by: `mcp:${clientOf(server, context)}`.slice(0, 128),
    canAsk: canAsk(server, context),
    answers: answersOf(mcpReq.inputResponses),
    tell: progressOf(context),
  };
  try {
    if (args instanceof Misfit) throw new QuorateError('INPUT_INVALID', `${tool.name}: ${args.why}`);
    const given = await inServedCall(tool.name, mcpReq._meta, () => tool.run(args, call));
    if (given.kind === 'done') {
      return {
        content: [{ type: 'text' as const, text: JSON.stringify(given.value) }],
        structuredContent: given.value,
      };
    }
    const asked = given.asks.flatMap((ask) => {
      const form = formOf(ask);
      if (form === undefined) return [];
      const { message, schema } = form;
      return [[ask.id, sdk.inputRequired.elicit({ message, requestedSchema: schema as never })] as const];
    });
    return sdk.inputRequired({ inputRequests: Object.fromEntries(asked) });
  } catch (thrown) {
    return failed(thrown);
  }
}

/** With Quorate's code first, as everywhere. */
function failed(thrown: unknown) {
  const error = toErrorJson(thrown, 'INTERNAL');
  const { code, message, data } = error;
  const hint = isErrorCode(code) ? `\n${ERROR_HINTS[code]}` : '';
  return {
    isError: true,
    content: [{ type: 'text' as const, text: `${code}: ${message}${hint}` }],
    structuredContent: { error: { code, message, ...(data === undefined ? {} : { data }) } },
  };
}

function canAsk(server: McpServer, { mcpReq }: ServerContext): boolean {
  const said = recordOf(mcpReq.envelope)['io.modelcontextprotocol/clientCapabilities'];
  const known: unknown = said ?? server.server.getClientCapabilities();
  const { elicitation } = recordOf(known);
  // Without a mode it is forms.
  const modes = recordOf(elicitation);
  return elicitation !== undefined && ('form' in modes || !('url' in modes));
}

function clientOf(server: McpServer, { mcpReq }: ServerContext): string {
  const said = recordOf(mcpReq.envelope)['io.modelcontextprotocol/clientInfo'] as
    | { readonly name?: unknown }
    | undefined;
  const name = said?.name ?? server.server.getClientVersion()?.name;
  return typeof name === 'string' ? name : 'unknown';
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Untrusted: looked at again by who answers with them. */
function answersOf(responses: Readonly<Record<string, unknown>> | undefined): Call['answers'] {
  return new Map(
    Object.entries(responses ?? {}).map(([id, given]) => {
      const { action, content } = (given ?? {}) as { readonly action?: unknown; readonly content?: unknown };
      const isAnswer = action === 'accept' && typeof content === 'object' && content !== null;
      return [id, isAnswer ? (content as JsonObject) : null];
    }),
  );
}

function progressOf({ mcpReq }: ServerContext): Call['tell'] {
  const token = mcpReq._meta?.['progressToken'];
  if (typeof token !== 'string' && typeof token !== 'number') return () => {};
  let progress = 0;
  return (message) => {
    progress += 1;
    const params = { progressToken: token, progress, message };
    // Who is gone is told by the signal.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
  };
}
