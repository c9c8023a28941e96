// What follows from a failed call of a tool: whether it may be repeated, by what the tool says of itself. Pure.
import { type AgentFailure, classifyFailure, failure, permanent } from '../contract/failure.ts';
import type { Fault, McpTool, RawResult } from './sdk-client.ts';

export interface Called {
  readonly server: string;
  readonly tool: string;
  /** A second call does no harm: said by who calls it, else by the tool; undefined where nobody says it. */
  readonly repeatable: boolean | undefined;
  readonly now: number;
}

/** -32700 to -32600 but -32603, what the SDK found wrong itself, and what a server asks for that we do not have. */
const FINAL_CODES = new Set([0, -32_700, -32_600, -32_601, -32_602, -32_002, -32_021, -32_022, -32_042]);
const MAX_TEXT = 2_000;

/** A tool that reads may be asked again, one that is idempotent too. `undefined`: it says nothing of itself. */
export function isRepeatable({ readOnly, idempotent }: McpTool): boolean | undefined {
  if (readOnly === true || idempotent === true) return true;
  return idempotent;
}

/** The call was begun: perhaps the tool has done it. */
export function ofFault(fault: Fault, called: Called): unknown {
  const of = `the tool '${called.tool}' of ${called.server}`;
  switch (fault.kind) {
    case 'said':
      return fault.error;
    case 'refused': {
      const message = `${of} refused the call: ${cut(fault.message)} (${fault.code})`;
      if (FINAL_CODES.has(fault.code) || fault.code >= 400)
        return permanent({ code: 'MCP_CALL_REFUSED', message });
      return uncertain(message, 'MCP_CALL_REFUSED', called);
    }
    case 'silent':
      return uncertain(`${of} gave neither an answer nor progress in time`, 'MCP_SERVER_FAILED', called);
    case 'closed':
      return uncertain(
        `${called.server} ended while the tool '${called.tool}' ran: ${cut(fault.message)}`,
        'MCP_SERVER_FAILED',
        called,
      );
    case 'gone':
    case 'denied':
      return ofOpening(fault, called);
    case 'unsent':
      // What was cut while it was sent may have arrived.
      return classifyFailure(fault.cause, { now: called.now })?.kind === 'unknown'
        ? uncertain(`${called.server} was cut off: ${cut(fault.message)}`, 'MCP_SERVER_FAILED', called)
        : ofOpening(fault, called);
  }
}

/** Nothing was asked of the tool yet. */
export function ofOpening(fault: Fault, { server, now }: Pick<Called, 'server' | 'now'>): unknown {
  if (fault.kind === 'said') return fault.error;
  const message = `${server} cannot be used: ${cut(fault.message)}`;
  const code = 'MCP_SERVER_FAILED';
  if (fault.kind === 'denied') return failure('account', { code, message });
  if (fault.kind === 'refused') return permanent({ code, message });
  const cause = fault.kind === 'unsent' ? fault.cause : undefined;
  // There is no such program.
  const isMissing = ['ENOENT', 'EACCES'].includes((cause as { code?: string } | undefined)?.code ?? '');
  if (isMissing) return permanent({ code, message });
  const known = classifyFailure(cause, { now });
  const kind =
    known === undefined || known.kind === 'cancelled' || known.kind === 'unknown' ? 'transient' : known.kind;
  return failure(kind, {
    code,
    message,
    ...(known?.retryAfterMs === undefined ? {} : { retryAfterMs: known.retryAfterMs }),
  });
}

/** The tool says that it failed: with the same input it does so again, unless who asks knows better. */
export function ofToolError(
  { content }: RawResult,
  { server, tool }: Pick<Called, 'server' | 'tool'>,
  isRetryable: boolean,
): AgentFailure {
  const text = content.flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('\n');
  const message = `the tool '${tool}' of ${server} failed: ${cut(text) || 'it does not say why'}`;
  return failure(isRetryable ? 'transient' : 'permanent', { code: 'MCP_TOOL_FAILED', message });
}

function uncertain(message: string, code: string, { repeatable }: Called): AgentFailure {
  if (repeatable === true) return failure('transient', { code, message });
  if (repeatable === undefined) return failure('unknown', { code, message });
  const why = 'perhaps it was done, and by its own word a second call would do more';
  return permanent({ code: 'MCP_OUTCOME_UNKNOWN', message: `${message}; ${why}` });
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
