// The adapter to `@modelcontextprotocol/client`: the only file that calls it. A connection to one server, whatever its transport and
// generation of the protocol, and every way in which a request can fail as one union.
import type { Client, Tool, Transport } from '@modelcontextprotocol/client';
import { loadMcpClient } from '../common/optional-packages.ts';
import { readVersion } from '../common/version.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import { createFetch } from './http.ts';
import { createProgramTransport } from './program.ts';
import type { McpServer } from './servers.ts';

/** What a server says of one of its tools. */
export interface McpTool {
  readonly name: string;
  readonly description: string | undefined;
  readonly inputSchema: JsonObject;
  /** It changes nothing; a second call changes nothing more. Undefined: it does not say. */
  readonly readOnly: boolean | undefined;
  readonly idempotent: boolean | undefined;
}

/** A part of a result: text, an image, a resource. */
export interface McpContent {
  readonly type: string;
  readonly text?: string;
  readonly [field: string]: unknown;
}

export interface RawResult {
  readonly content: readonly McpContent[];
  readonly structured: Json | undefined;
  readonly isError: boolean;
}

/** How far a call is. `total` is undefined where nobody knows it. */
export interface McpProgress {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
}

export interface Request {
  readonly name: string;
  readonly arguments: JsonObject;
  readonly meta: JsonObject;
  /** Its own: the SDK cancels at the server what it aborts. */
  readonly signal: AbortSignal;
  readonly silenceMs: number;
  readonly onProgress: (progress: McpProgress) => void;
}

/**
 * - `refused`: an error of the protocol, with its number.
 * - `silent`: neither an answer nor progress within the time.
 * - `closed`: the server ended, or its answer was cut.
 * - `unsent`: it did not reach the server.
 * - `gone`: the server does not know the session any more; the request was not done.
 * - `denied`: 401 or 403.
 * - `said`: as it was thrown, it says itself what it is.
 */
export type Fault =
  | { readonly kind: 'refused'; readonly code: number; readonly message: string }
  | {
      readonly kind: 'silent' | 'closed' | 'unsent' | 'gone' | 'denied';
      readonly message: string;
      readonly cause?: unknown;
    }
  | { readonly kind: 'said'; readonly error: unknown };

export class McpFault extends Error {
  readonly fault: Fault;
  constructor(fault: Fault) {
    super(fault.kind === 'said' ? String(fault.error) : fault.message);
    this.fault = fault;
  }
}

export interface Connection {
  /** Of the server's process; undefined over HTTP. */
  readonly pid: number | undefined;
  tools(): ReadonlyMap<string, McpTool>;
  /** The server has said that its tools are others now. */
  isStale(): boolean;
  refresh(signal: AbortSignal): Promise<void>;
  /** Throws a McpFault. */
  call(request: Request): Promise<RawResult>;
  /** Whether it answers within so many ms. */
  answers(withinMs: number): Promise<boolean>;
  close(): Promise<void>;
  /** At once: what is under way fails as `closed`. */
  kill(): void;
}

export interface Watcher {
  readonly onClose: () => void;
  readonly onDoubt: () => void;
}

const CLIENT = { name: 'quorate', version: readVersion() };
const MODERN = '2026-07-28';
/** Of our own: what an answer is replaced with that will not come. */
const CUT = -32_077;
const WAS_CUT = { code: CUT, message: 'the stream of the answer was cut' };
/** Of a session's end at an HTTP server, which is told as a courtesy. */
const FAREWELL_MS = 2_000;

const SDK_KINDS: ReadonlyMap<string, 'silent' | 'closed' | 'unsent'> = new Map([
  ['REQUEST_TIMEOUT', 'silent'],
  ['CONNECTION_CLOSED', 'closed'],
  ['NOT_CONNECTED', 'unsent'],
  ['SEND_FAILED', 'unsent'],
]);

type Sdk = Awaited<ReturnType<typeof loadMcpClient>>;

interface Opened {
  readonly client: Client;
  readonly end: { readonly pid: number | undefined; close(): Promise<void>; kill(): void };
}

/** Throws a McpFault, or PACKAGE_MISSING. */
export async function openConnection(server: McpServer, watcher: Watcher): Promise<Connection> {
  const sdk = await loadMcpClient();
  const { startMs = 60_000 } = server;
  // One that refuses the first generation ends, and is no end of the connection.
  let isOpen = false;
  const watched = { ...watcher, onClose: () => isOpen && watcher.onClose() };
  // Everything published speaks the generation with `initialize`. One that refuses that is newer.
  const { client, end } = await open(sdk, server, watched, startMs, undefined).catch((first: unknown) => {
    if (!(first instanceof McpFault) || first.fault.kind !== 'refused') throw first;
    return open(sdk, server, watched, startMs, MODERN).catch(() => {
      throw first;
    });
  });
  isOpen = true;
  const known = new Map<string, McpTool>();
  let isStale = false;
  client.setNotificationHandler('notifications/tools/list_changed', () => {
    isStale = true;
  });
  const refresh = async (signal: AbortSignal): Promise<void> => {
    isStale = false;
    const options = { signal, timeout: startMs, cacheMode: 'refresh' as const };
    // It also fills the cache by which the SDK checks answers against a tool's output schema.
    const { tools } = await client.listTools(undefined, options).catch(toFault(sdk));
    known.clear();
    for (const tool of tools) known.set(tool.name, toTool(tool));
  };
  const connection: Connection = {
    pid: end.pid,
    tools: () => known,
    isStale: () => isStale,
    refresh,
    async call({ name, arguments: args, meta, signal, silenceMs, onProgress }) {
      const result = await client
        .callTool(
          { name, arguments: args, _meta: meta },
          // Without a listener no token of progress is sent, and nothing resets the time-out.
          { signal, timeout: silenceMs, resetTimeoutOnProgress: true, onprogress: onProgress },
        )
        .catch(toFault(sdk));
      const { content, structuredContent, isError = false } = result;
      return {
        content: content as unknown as readonly McpContent[],
        structured: structuredContent as Json | undefined,
        isError,
      };
    },
    async answers(withinMs) {
      const options = { timeout: withinMs };
      // The newer generation has no `ping`.
      const asked = client.getProtocolEra() === 'modern' ? client.discover(options) : client.ping(options);
      const isRefused = (error: unknown): boolean => faultOf(sdk, error).kind === 'refused';
      return asked.then(() => true).catch(isRefused);
    },
    close: () => end.close(),
    kill: () => end.kill(),
  };
  try {
    await refresh(AbortSignal.timeout(startMs));
  } catch (error) {
    end.kill();
    throw error;
  }
  return connection;
}

async function open(
  sdk: Sdk,
  server: McpServer,
  watcher: Watcher,
  startMs: number,
  pin: string | undefined,
): Promise<Opened> {
  const client = new sdk.Client(
    CLIENT,
    pin === undefined ? {} : { versionNegotiation: { mode: { pin } }, defaultCacheTtlMs: 0 },
  );
  const { transport, end, said } =
    'command' in server ? overProgram(sdk, server) : overHttp(sdk, server, client, watcher);
  // What the SDK reports beside its answers is no failure of a call: progress that came late, for example.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK's client has no other way
  client.onclose = watcher.onClose;
  try {
    await client.connect(transport, { timeout: startMs });
    return { client, end };
  } catch (error) {
    end.kill();
    const fault = faultOf(sdk, error);
    const last = said();
    if (fault.kind === 'said' || last === '') throw new McpFault(fault);
    throw new McpFault({ ...fault, message: `${fault.message}; it said: ${last}` });
  }
}

interface Line {
  readonly transport: Transport;
  readonly end: Opened['end'];
  readonly said: () => string;
}

function overProgram(sdk: Sdk, server: Extract<McpServer, { command: string }>): Line {
  const transport = createProgramTransport(server, sdk);
  const close = (): Promise<void> => transport.close();
  const end = {
    close,
    kill: () => transport.kill(),
    get pid() {
      return transport.pid;
    },
  };
  return { transport, end, said: () => transport.said() };
}

function overHttp(
  sdk: Sdk,
  { url, headers }: Extract<McpServer, { url: unknown }>,
  client: Client,
  { onDoubt }: Watcher,
): Line {
  /** Answers that come in streams which have not ended: whether they have come. */
  const streams = new Map<string | number, boolean>();
  const transport: InstanceType<Sdk['StreamableHTTPClientTransport']> = new sdk.StreamableHTTPClientTransport(
    new URL(url),
    {
      redirectPolicy: 'same-origin',
      fetch: createFetch({
        headers,
        onBegin: (id) => void streams.set(id, false),
        onEnd: (id, canResume) => {
          const hasCome = streams.get(id);
          streams.delete(id);
          if (hasCome) return;
          // The SDK takes such a stream up again, if the server still lives.
          if (canResume) onDoubt();
          else transport.onmessage?.({ jsonrpc: '2.0', id, error: WAS_CUT });
        },
      }),
    },
  );
  // Before the SDK's own, which calls it too.
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- there is no other way
  transport.onmessage = (message) => {
    const id = 'method' in message || !('id' in message) ? undefined : message.id;
    if (id !== undefined && streams.has(id)) streams.set(id, true);
  };
  const kill = (): void => void client.close().catch(() => {});
  const close = async (): Promise<void> => {
    const late = AbortSignal.timeout(FAREWELL_MS);
    const over = new Promise((resolve) => late.addEventListener('abort', resolve, { once: true }));
    await Promise.race([transport.terminateSession().catch(() => {}), over]);
    await client.close();
  };
  return { transport, end: { pid: undefined, close, kill }, said: () => '' };
}

function toTool({ name, description, inputSchema, annotations }: Tool): McpTool {
  return {
    name,
    description,
    inputSchema: inputSchema as JsonObject,
    readOnly: annotations?.readOnlyHint,
    idempotent: annotations?.idempotentHint,
  };
}

function toFault(sdk: Sdk): (error: unknown) => never {
  return (error) => {
    throw new McpFault(faultOf(sdk, error));
  };
}

function faultOf({ ProtocolError, SdkError, SdkHttpError, UnauthorizedError }: Sdk, error: unknown): Fault {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UnauthorizedError) return { kind: 'denied', message };
  if (error instanceof SdkHttpError) {
    const { status } = error;
    // The protocol says 404; what many servers are copied from says 400, and why.
    if (status === 404 || (status === 400 && /session/i.test(message))) return { kind: 'gone', message };
    if (status === 401 || status === 403) return { kind: 'denied', message };
    return { kind: 'refused', code: status, message };
  }
  if (error instanceof ProtocolError) {
    const { code } = error;
    return code === CUT ? { kind: 'closed', message } : { kind: 'refused', code, message };
  }
  if (error instanceof SdkError) {
    const kind = SDK_KINDS.get(error.code);
    return kind === undefined ? { kind: 'refused', code: 0, message } : { kind, message };
  }
  if (typeof error === 'object' && error !== null && 'failure' in error) return { kind: 'said', error };
  // Of the transport: it could not be reached, or its program cannot be run.
  return { kind: 'unsent', message, cause: error };
}
