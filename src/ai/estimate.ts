// What a call of a model takes at most, before anybody has counted: what it is asked with, by its bytes, and the most that it may
// answer. Few characters a token rather than many, for it is what a cut call is booked with and what a budget is held to.

const BYTES_A_TOKEN = 3;
/** Names, roles and brackets that providers put around a prompt. */
const AROUND = 64;
/** What a tool is described with, where nothing is known of it. */
const TOKENS_A_TOOL = 300;

/** Tokens of a text, or of anything as JSON, at most. Bytes that go as such (images) count by what they are as base64. */
function tokensOf(value: unknown): number {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, withoutBytes) ?? '');
  return Math.ceil(Buffer.byteLength(text) / BYTES_A_TOKEN);
}

function withoutBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
}

/** What one call is asked with. */
export interface Asked {
  readonly prompt: unknown;
  readonly tools?: unknown;
  readonly responseFormat?: unknown;
  readonly maxOutputTokens?: number | undefined;
}

export interface CallEstimate {
  /** Input and output together. */
  readonly tokens: number;
  readonly outputTokens: number;
}

export function estimateCall(
  { prompt, tools, responseFormat, maxOutputTokens }: Asked,
  mostOutput: number,
): CallEstimate {
  const outputTokens = maxOutputTokens ?? mostOutput;
  const parts = [prompt, tools, responseFormat].filter((part) => part !== undefined);
  const inputTokens = parts.reduce<number>((sum, part) => sum + tokensOf(part), AROUND);
  return { tokens: inputTokens + outputTokens, outputTokens };
}

export interface AttemptEstimate extends CallEstimate {
  readonly calls: number;
}

/** Of a whole attempt, before its prompt exists: `asked` is what is known of it, `calls` how many it makes at most. */
export function estimateAttempt(
  asked: readonly unknown[],
  {
    calls,
    tools,
    mostOutput,
  }: { readonly calls: number; readonly tools: number; readonly mostOutput: number },
): AttemptEstimate {
  const known = asked.reduce<number>(
    (sum, part) => sum + tokensOf(part ?? ''),
    AROUND + tools * TOKENS_A_TOOL,
  );
  // Each call is asked with what those before it answered; what tools answer nobody knows.
  const again = (mostOutput * calls * (calls - 1)) / 2;
  const outputTokens = calls * mostOutput;
  return { tokens: calls * known + again + outputTokens, outputTokens, calls };
}
