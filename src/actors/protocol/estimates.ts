// What an agent will use, as far as anybody can say before it, and what it says afterwards: read at the border. What cannot be
// read is logged and left out: no work fails of its books (docs/control.md).
import { z } from 'zod';
import type { AgentConfig } from '../../contract/config.ts';
import type { Json } from '../../contract/json.ts';
import type { Logger } from '../../contract/ports.ts';
import {
  type Amount,
  type CostRow,
  type Estimate,
  type Funds,
  NO_AMOUNT,
  NO_FUNDS,
  type Price,
  priceOf,
  savedRow,
  toFunds,
  toMicroUsd,
  type Usage,
} from '../../contract/usage.ts';

export type Prices = Readonly<Record<string, Price>>;

/** A day of the largest context there is; what is above it is a mistake. */
const MAX_TOKENS = 1_000_000_000_000;
const MAX_USD = 1_000_000;
const tokens = z.number().int().min(0).max(MAX_TOKENS).optional();
const usd = z.number().min(0).max(MAX_USD).optional();
const model = z.string().max(128).optional();
const calls = z.number().int().min(0).max(1_000_000).optional();
const usageSchema = z.object({
  inputTokens: tokens,
  outputTokens: tokens,
  cachedInputTokens: tokens,
  reasoningTokens: tokens,
  calls,
  usd,
  model,
});
const estimateSchema = z.object({ tokens, outputTokens: tokens, usd, model, calls });

/** Undefined where it cannot be read, which is logged. */
export function readEstimate(given: unknown, agent: string, logger: Logger): Estimate | undefined {
  return read(estimateSchema, given, `an estimate of agent '${agent}'`, logger);
}

/** As `readEstimate`. */
export function readUsage(given: unknown, agent: string, logger: Logger): Usage | undefined {
  return read(usageSchema, given, `usage of agent '${agent}'`, logger);
}

function read<T>(schema: z.ZodType<T>, given: unknown, what: string, logger: Logger): T | undefined {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  logger.warn(`${what} is left out: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}`, {
    code: 'USAGE_INVALID',
  });
  return undefined;
}

/** Characters of a token, few rather than many, and tokens of an answer: for agents that name a model and estimate nothing. */
const BYTES_A_TOKEN = 3;
const DEFAULT_OUTPUT_TOKENS = 4_096;

/** What the agent will use with this input at most. Undefined where it names no model and estimates nothing. */
export function estimateOf(
  config: Pick<Partial<AgentConfig>, 'estimate' | 'model'>,
  input: Json,
  agent: string,
  logger: Logger,
): Estimate | undefined {
  const { model: own } = config;
  return ofItsOwn(config, input, agent, logger) ?? (own === undefined ? undefined : byDefault(own, input));
}

function ofItsOwn(
  { estimate, model: own }: Pick<Partial<AgentConfig>, 'estimate' | 'model'>,
  input: Json,
  agent: string,
  logger: Logger,
): Estimate | undefined {
  if (estimate === undefined) return undefined;
  try {
    const said = readEstimate(estimate(input), agent, logger);
    return said === undefined ? undefined : { ...said, model: said.model ?? own };
  } catch (thrown) {
    logger.warn(`agent '${agent}' gave no estimate: ${String(thrown)}`, { code: 'USAGE_INVALID' });
    return undefined;
  }
}

function byDefault(own: string, input: Json): Estimate {
  const asked = Math.ceil(Buffer.byteLength(JSON.stringify(input)) / BYTES_A_TOKEN);
  return { tokens: asked + DEFAULT_OUTPUT_TOKENS, outputTokens: DEFAULT_OUTPUT_TOKENS, model: own };
}

/** The same as funds: nothing for an agent of which nothing is estimated. */
export function fundsOf(
  config: Pick<Partial<AgentConfig>, 'estimate' | 'model'>,
  input: Json,
  agent: string,
  { prices, logger }: { readonly prices: Prices; readonly logger: Logger },
): Funds {
  const estimate = estimateOf(config, input, agent, logger);
  if (estimate === undefined) return NO_FUNDS;
  return toFunds(amountOfEstimate(estimate, priceFor(estimate.model ?? '', prices)));
}

/** What a task would have used that was cancelled before it was begun. None of an agent of which nothing is estimated. */
export function savedRows(
  config: Pick<Partial<AgentConfig>, 'estimate' | 'model'>,
  input: Json,
  agent: string,
  { prices, logger }: { readonly prices: Prices; readonly logger: Logger },
): readonly CostRow[] {
  const estimate = estimateOf(config, input, agent, logger);
  if (estimate === undefined || (estimate.tokens === undefined && estimate.usd === undefined)) return [];
  const name = estimate.model ?? config.model ?? '';
  return [savedRow(agent, name, amountOfEstimate(estimate, priceFor(name, prices)))];
}

export function priceFor(name: string, prices: Prices): Price | undefined {
  return Object.hasOwn(prices, name) ? prices[name] : undefined;
}

/** What an estimate comes to at most. */
export function amountOfEstimate(estimate: Estimate, price: Price | undefined): Amount {
  const { tokens: all = 0, outputTokens = 0 } = estimate;
  const input = Math.max(0, all - outputTokens);
  const { calls: count = 1 } = estimate;
  const counted = { ...NO_AMOUNT, inputTokens: input, outputTokens, calls: count };
  if (estimate.usd !== undefined) return { ...counted, microUsd: toMicroUsd(estimate.usd) };
  if (price === undefined) return { ...counted, unpricedCalls: count };
  const isSplit = estimate.outputTokens !== undefined;
  const dearer = { ...price, inputPerMillion: Math.max(price.inputPerMillion, price.outputPerMillion) };
  return { ...counted, microUsd: priceOf(counted, isSplit ? price : dearer) };
}

/** Of an attempt that may make several calls: what the first one takes of a limit. Undefined where nobody said. */
export function tokensOfFirst({ tokens: all, calls: count = 1 }: Estimate): number | undefined {
  return all === undefined ? undefined : Math.ceil(all / Math.max(1, count));
}
