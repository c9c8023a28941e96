// A model agent against the kit's model server over a real socket, metered as a task is: what it reports beside what was billed.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { expect } from 'vitest';
import { createMeter } from '../../../src/actors/agents/task/meter.ts';
import type { ModelAgent, ModelObject } from '../../../src/ai/model-agent.ts';
import type { AgentContext } from '../../../src/contract/config.ts';
import { toTaskError } from '../../../src/contract/failure.ts';
import type { Json } from '../../../src/contract/json.ts';
import type { ErrorJson } from '../../../src/contract/outcome.ts';
import { SILENT } from '../../../src/contract/ports.ts';
import type { CostRow, Price } from '../../../src/contract/usage.ts';
import type { ModelServer } from '../../kit/model/server.ts';

const PRICES: Readonly<Record<string, Price>> = {
  m: { inputPerMillion: 1, outputPerMillion: 10, at: '2026-11-01' },
};

export function modelOf({ url }: Pick<ModelServer, 'url'>, name = 'm'): ModelObject {
  return createOpenAICompatible({
    name: 'kit',
    baseURL: url,
    includeUsage: true,
    supportsStructuredOutputs: true,
  })(name);
}

export interface Attempted {
  readonly output?: Json;
  readonly error?: ErrorJson;
  readonly rows: readonly CostRow[];
  readonly streamed: readonly Json[];
  readonly logged: readonly string[];
}

export interface AttemptOptions {
  readonly signal?: AbortSignal;
  readonly key?: string;
  readonly onPiece?: (pieces: readonly Json[]) => void;
  readonly limit?: string;
}

/** One attempt, from the agent's context to its bill. */
export async function attempt<I>(
  agent: ModelAgent<I, unknown>,
  input: I,
  { signal = new AbortController().signal, key = 'k', onPiece, limit }: AttemptOptions = {},
): Promise<Attempted> {
  const streamed: Json[] = [];
  const logged: string[] = [];
  const note = (text: string): void => void logged.push(text);
  const logger = { ...SILENT, warn: note, error: note, info: note };
  const meter = createMeter({
    agent: 'a',
    model: agent.model,
    prices: () => PRICES,
    logger,
    onLate: () => note('late'),
  });
  const context: AgentContext = {
    key,
    attempt: 1,
    signal,
    deadlineAt: Date.now() + 6e4,
    logger,
    payloads: {
      put: () => Promise.reject(new Error()),
      get: () => Promise.reject(new Error()),
    },
    partial: async () => {},
    stream: (piece: Json): void => {
      streamed.push(piece);
      onPiece?.(streamed);
    },
    usage: meter.usage,
    reserve: meter.reserve,
    limit,
  };
  const facts = { streamed, logged };
  try {
    const output = (await agent.run(input, context)) as Json;
    return { output, rows: meter.close(() => agent.estimate?.(input), { kind: 'done', output }), ...facts };
  } catch (thrown) {
    const error = toTaskError(thrown, { now: Date.now(), signal });
    return { error, rows: meter.close(() => agent.estimate?.(input), { kind: 'failed', error }), ...facts };
  }
}

export function tokensOf(rows: readonly CostRow[]): number {
  return rows.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0);
}

/** What an attempt is booked with: nothing, what the provider bills, or what was reserved, which is at least that. */
export type Counts = 'nothing' | 'exact' | 'reserved';

/** Of agents that give fifty tokens at most. */
export function expectCounted(
  rows: readonly CostRow[],
  billedTokens: number | undefined,
  counts: Counts,
): void {
  if (counts === 'nothing') expect([rows, billedTokens]).toEqual([[], 0]);
  else if (counts === 'exact')
    expect([tokensOf(rows), rows[0]?.estimated]).toEqual([billedTokens, undefined]);
  else {
    expect(rows).toMatchObject([{ calls: 1, model: 'm', estimated: { calls: 1, outputTokens: 50 } }]);
    expect(tokensOf(rows)).toBeGreaterThanOrEqual(billedTokens ?? Number.NaN);
  }
}
