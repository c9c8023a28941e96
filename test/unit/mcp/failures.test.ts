// What follows from each way in which a call can fail, by what the tool says of itself.
import { expect, it } from 'vitest';
import { failure } from '../../../src/contract/failure.ts';
import { isRepeatable, ofFault, ofOpening, ofToolError } from '../../../src/mcp/failures.ts';
import type { Fault, McpTool } from '../../../src/mcp/sdk-client.ts';

const message = 'it broke';
const coded = (code: string): Error => Object.assign(new Error(message), { code });
const about = { server: 'files', tool: 'move', now: 0 };
const tool = (hints: Partial<McpTool>): McpTool => ({
  name: 'move',
  description: undefined,
  inputSchema: {},
  readOnly: undefined,
  idempotent: undefined,
  ...hints,
});

it.each([
  [{ readOnly: true }, true],
  [{ readOnly: true, idempotent: false }, true],
  [{ idempotent: true }, true],
  [{ readOnly: false, idempotent: false }, false],
  [{ readOnly: false }, undefined],
  [{}, undefined],
])('a tool that says %j may be repeated: %s', (hints, expected) => {
  expect(isRepeatable(tool(hints))).toBe(expected);
});

/** Fault, and its kind where a second call does no harm, where nobody says it, and where it does. */
const CASES: readonly (readonly [Fault, string, string, string])[] = [
  [{ kind: 'silent', message }, 'transient', 'unknown', 'permanent MCP_OUTCOME_UNKNOWN'],
  [{ kind: 'closed', message }, 'transient', 'unknown', 'permanent MCP_OUTCOME_UNKNOWN'],
  [{ kind: 'refused', code: -32_603, message }, 'transient', 'unknown', 'permanent MCP_OUTCOME_UNKNOWN'],
  // Written, and perhaps read.
  [
    { kind: 'unsent', message, cause: coded('ECONNRESET') },
    'transient',
    'unknown',
    'permanent MCP_OUTCOME_UNKNOWN',
  ],
  // Not written: nothing was done, whatever the tool says.
  [{ kind: 'unsent', message, cause: coded('ECONNREFUSED') }, 'transient', 'transient', 'transient'],
  [{ kind: 'unsent', message }, 'transient', 'transient', 'transient'],
  [{ kind: 'gone', message }, 'transient', 'transient', 'transient'],
  [{ kind: 'denied', message }, 'account', 'account', 'account'],
  ...[-32_700, -32_600, -32_601, -32_602, -32_002, -32_042, 0, 415].map(
    (code): readonly [Fault, string, string, string] => [
      { kind: 'refused', code, message },
      'permanent MCP_CALL_REFUSED',
      'permanent MCP_CALL_REFUSED',
      'permanent MCP_CALL_REFUSED',
    ],
  ),
];

it.each(CASES)('%j: %s, %s, %s', (fault, harmless, unsaid, harmful) => {
  const kinds = [true, undefined, false].map((repeatable) => {
    const thrown = ofFault(fault, { ...about, repeatable }) as { failure: { kind: string }; code: string };
    return thrown.failure.kind === 'permanent' ? `permanent ${thrown.code}` : thrown.failure.kind;
  });
  expect(kinds).toEqual([harmless, unsaid, harmful]);
});

it.each<readonly [Fault, string]>([
  [{ kind: 'closed', message }, 'transient'],
  [{ kind: 'silent', message }, 'transient'],
  [{ kind: 'unsent', message, cause: coded('ENOENT') }, 'permanent'],
  [{ kind: 'unsent', message, cause: coded('ECONNRESET') }, 'transient'],
  [{ kind: 'denied', message }, 'account'],
  [{ kind: 'refused', code: -32_022, message }, 'permanent'],
])('before the call, %j is %s', (fault, kind) => {
  expect(ofOpening(fault, about)).toMatchObject({ code: 'MCP_SERVER_FAILED', failure: { kind } });
});

it('what says itself what it is stays what it is', () => {
  const error = failure('throttled', { retryAfterMs: 5 });
  expect(ofFault({ kind: 'said', error }, { ...about, repeatable: false })).toBe(error);
  expect(ofOpening({ kind: 'said', error }, about)).toBe(error);
});

it('a failed tool says why, and not at any length', () => {
  const raw = {
    content: [{ type: 'text', text: 'no '.repeat(5_000) }],
    structured: undefined,
    isError: true,
  };
  const thrown = ofToolError(raw, about, false);
  expect(thrown.message.length).toBeLessThan(2_100);
  expect(ofToolError({ ...raw, content: [] }, about, true)).toMatchObject({
    message: expect.stringContaining('does not say why') as string,
    failure: { kind: 'transient' },
  });
});
