// One call of a tool: under its own signal, its own time-outs, with the task's key; its result as a value.
import { abortError, limitSignal } from '../common/signals.ts';
import type { AgentContext } from '../contract/config.ts';
import { permanent } from '../contract/failure.ts';
import type { Json, JsonObject } from '../contract/json.ts';
import { type Use, useServer } from './connections.ts';
import { type Called, isRepeatable, ofFault, ofOpening, ofToolError } from './failures.ts';
import { type McpContent, McpFault, type McpProgress, type McpTool, type RawResult } from './sdk-client.ts';
import { checkServer, type McpServer, nameOf } from './servers.ts';
import { inToolCall } from './spans.ts';

const DEFAULT_SILENCE_MS = 60_000;
export const DEFAULT_TIMEOUT_MS = 300_000;
/** Where the key of a task is in `_meta` of a call, for servers that know it. */
export const KEY_META = 'quorate/idempotency-key';

/** What is asked of a tool, and how long it may take. */
export interface ToolCall {
  readonly tool: string;
  readonly arguments?: JsonObject;
  /** Fails when there was neither an answer nor progress for so long, in ms. Default 60,000. */
  readonly silenceMs?: number;
  /** Fails after so long, whatever progress there was, in ms. Default 300,000. */
  readonly timeoutMs?: number;
  /** Whether a second call does no harm. Default: what the tool says of itself, by `readOnlyHint` and `idempotentHint`. */
  readonly repeatable?: boolean;
  /** Whether a result by which the tool says that it failed may be better the next time. Default: no. */
  readonly isRetryable?: (result: McpResult) => boolean;
  readonly onProgress?: (progress: McpProgress) => void;
}

/** What a tool gave. */
export interface McpResult {
  /** `structured` if there is, else `text` where all of it is text, else `content`. */
  readonly value: Json;
  /** All its text, a line each. */
  readonly text: string;
  readonly structured?: Json;
  readonly content: readonly McpContent[];
}

/**
 * Calls a tool, inside an agent for example. The connection is shared with all who name the same server. Throws an error that says what
 * kind of failure it was: MCP_TOOL_FAILED, MCP_CALL_REFUSED, MCP_SERVER_FAILED, MCP_OUTCOME_UNKNOWN, or PACKAGE_MISSING.
 *
 * @param context Of the agent: its signal cancels the call at the server, its key travels with it.
 * @example
 * const { text } = await callTool(files, { tool: 'read_text_file', arguments: { path } }, context);
 */
export async function callTool(
  server: McpServer,
  call: ToolCall,
  { signal, key }: Partial<Pick<AgentContext, 'signal' | 'key'>> = {},
): Promise<McpResult> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = call;
  const name = nameOf(checkServer(server));
  const onTimeout = (): McpFault =>
    new McpFault({ kind: 'silent', message: `no answer within ${timeoutMs} ms` });
  // A signal of its own, which is let go of: an SDK may leave its listeners.
  const own = limitSignal({ sources: [signal], timeoutMs, onTimeout });
  try {
    return await inToolCall(call.tool, name, async (trace) => {
      const meta = key === undefined ? trace : { ...trace, [KEY_META]: key };
      return toResult(await once(server, name, call, meta, own.signal), name, call);
    });
  } finally {
    own.release();
  }
}

async function once(
  server: McpServer,
  name: string,
  call: ToolCall,
  meta: JsonObject,
  signal: AbortSignal,
  isSecond = false,
): Promise<RawResult> {
  const about = { server: name, tool: call.tool, now: Date.now() };
  let begun: Called | undefined;
  try {
    return await useServer(server, signal, async (use) => {
      const tool = await toolOf(use, call.tool, name, signal);
      begun = { ...about, repeatable: call.repeatable ?? isRepeatable(tool) };
      return await ask(use, call, meta, signal);
    });
  } catch (error) {
    const isOver = signal.aborted && !(signal.reason instanceof McpFault);
    if (isOver) throw abortError(signal.reason);
    const fault = signal.aborted ? (signal.reason as McpFault) : error;
    if (!(fault instanceof McpFault)) throw error;
    // The server has forgotten the session, and so did nothing: another session, once.
    if (fault.fault.kind === 'gone' && !isSecond) return once(server, name, call, meta, signal, true);
    throw begun === undefined ? ofOpening(fault.fault, about) : ofFault(fault.fault, begun);
  }
}

async function toolOf(
  { connection }: Use,
  tool: string,
  server: string,
  signal: AbortSignal,
): Promise<McpTool> {
  // The SDK has forgotten the schemas of what has changed: without them no answer is checked.
  if (connection.isStale() || !connection.tools().has(tool)) await connection.refresh(signal);
  const known = connection.tools().get(tool);
  if (known !== undefined) return known;
  const names = [...connection.tools().keys()].join(', ');
  throw permanent({
    code: 'MCP_CALL_REFUSED',
    message: `${server} has no tool '${tool}', but ${names || 'none'}`,
  });
}

async function ask(
  { connection, doubt, discard }: Use,
  { tool, arguments: args = {}, silenceMs = DEFAULT_SILENCE_MS, onProgress }: ToolCall,
  meta: JsonObject,
  signal: AbortSignal,
): Promise<RawResult> {
  try {
    return await connection.call({
      name: tool,
      arguments: args,
      meta,
      signal,
      silenceMs,
      onProgress: (progress) => onProgress?.(progress),
    });
  } catch (error) {
    if (error instanceof McpFault && error.fault.kind === 'gone') discard();
    // A tool that is slow is no server that hangs: a ping tells them apart.
    else if (signal.aborted || (error instanceof McpFault && error.fault.kind === 'silent')) doubt(silenceMs);
    throw error;
  }
}

function toResult(raw: RawResult, server: string, { tool, isRetryable }: ToolCall): McpResult {
  const { content, structured } = raw;
  const text = content.flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('\n');
  const isText = content.every(({ type }) => type === 'text');
  const value = structured ?? (isText ? text : (content as unknown as Json));
  const result = { value, text, content, ...(structured === undefined ? {} : { structured }) };
  if (!raw.isError) return result;
  throw ofToolError(raw, { server, tool }, isRetryable?.(result) === true);
}
