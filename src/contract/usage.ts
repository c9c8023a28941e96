// What work used, as its agent says it and as the books keep it (docs/control.md): tokens, calls, money. Sums are of integers:
// money is micro-USD, and what a price makes of tokens is exact and rounded up once.
import type { ReplyAddress } from './effect.ts';

/** What a call used. Numbers of several calls add up. A number that is not known is left out: it is not 0. */
export interface Usage {
  /** All of them, those from a cache included. */
  readonly inputTokens?: number | undefined;
  /** All of them, those of reasoning included. */
  readonly outputTokens?: number | undefined;
  /** Of `inputTokens`. */
  readonly cachedInputTokens?: number | undefined;
  /** Of `outputTokens`. */
  readonly reasoningTokens?: number | undefined;
  /** Default 1. */
  readonly calls?: number | undefined;
  /** What it cost, where that is known: it counts instead of a price. */
  readonly usd?: number | undefined;
  /** Default: the `model` of the agent. */
  readonly model?: string | undefined;
}

/** What a call will use at most, as far as anybody can say before it. */
export interface Estimate {
  /** Input and output together. */
  readonly tokens?: number | undefined;
  /** Of these; a price takes what is not said to be the dearer of both. */
  readonly outputTokens?: number | undefined;
  readonly usd?: number | undefined;
  readonly model?: string | undefined;
  /** How many calls it is of; default 1. A limit lets them through one at a time, each with its share. */
  readonly calls?: number | undefined;
}

/** What `context.reserve` gives. What is not settled when the attempt ends counts as it was reserved. */
export interface Reservation {
  /** Puts what was really used in its place. Once. */
  readonly settle: (usage: Usage) => void;
}

/** What a model costs, in USD for a million tokens. */
export interface Price {
  readonly inputPerMillion: number;
  readonly outputPerMillion: number;
  /** Default: as other input. */
  readonly cachedInputPerMillion?: number | undefined;
  /** The day that these prices are of, YYYY-MM-DD. */
  readonly at: string;
  /** Raise it to overrule what was changed by `client.prices.set`. Default 0. */
  readonly revision?: number | undefined;
}

/** In words, for logs and the command line. */
export function describePrice({
  inputPerMillion,
  outputPerMillion,
  cachedInputPerMillion,
}: Omit<Price, 'at'>): string {
  const cached = cachedInputPerMillion === undefined ? '' : `, ${cachedInputPerMillion} USD of cached input`;
  return `${inputPerMillion} USD a million tokens of input${cached}, ${outputPerMillion} USD of output`;
}

/** Sums. All are integers. */
export interface Amount {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  readonly calls: number;
  /** Millionths of a USD. Without what `unpricedCalls` cost. */
  readonly microUsd: number;
  /** Calls of models without a price. */
  readonly unpricedCalls: number;
}

/** What one agent used of one model. The model is empty where none was named. */
export interface CostRow extends Amount {
  readonly agent: string;
  readonly model: string;
  /** Of it, what came of nothing: attempts that failed, answers that nobody waited for. */
  readonly wasted?: Amount;
  /** Of it, what nobody measured: it counts as it was reserved or estimated, so it is at most this. */
  readonly estimated?: Amount;
  /** Beside it, what was not used: of work that was cancelled before it was begun for the first time, as it was estimated. */
  readonly saved?: Amount;
}

/** What an actor used, and all that it started. */
export interface Costs {
  readonly rows: readonly CostRow[];
  readonly total: Amount;
  readonly wasted: Amount;
  readonly estimated: Amount;
  /** In none of the others: what cancelled work that was not begun would have used, as far as its agents estimate. */
  readonly saved: Amount;
  /** Nothing of it can run any more. What comes later all the same is added. */
  readonly final: boolean;
}

export const NO_AMOUNT: Amount = {
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  reasoningTokens: 0,
  calls: 0,
  microUsd: 0,
  unpricedCalls: 0,
};

const FIELDS = Object.keys(NO_AMOUNT) as (keyof Amount)[];

/** Stops at the largest integer that is exact. */
export function addAmounts(a: Amount, b: Amount): Amount {
  const sum = { ...NO_AMOUNT };
  for (const field of FIELDS) sum[field] = Math.min(Number.MAX_SAFE_INTEGER, a[field] + b[field]);
  return sum;
}

export function amountOf(row: Amount): Amount {
  const amount = { ...NO_AMOUNT };
  for (const field of FIELDS) amount[field] = row[field];
  return amount;
}

/** Rows that an actor, or a message, has at most. What is of further models is one row, under this name. */
export const MAX_ROWS = 64;
export const OTHERS = '*';

/** One row for each agent and model, in the order in which they came. */
export function addRows(rows: readonly CostRow[], more: readonly CostRow[]): readonly CostRow[] {
  if (more.length === 0) return rows;
  const sums = new Map<string, CostRow>();
  for (const row of [...rows, ...more]) {
    const fits = sums.has(nameOf(row)) || sums.size < MAX_ROWS - 1;
    const named = fits ? row : { ...row, agent: OTHERS, model: OTHERS };
    const known = sums.get(nameOf(named));
    sums.set(nameOf(named), known === undefined ? named : addRow(known, named));
  }
  return [...sums.values()];
}

function nameOf({ agent, model }: CostRow): string {
  return JSON.stringify([agent, model]);
}

function addRow(a: CostRow, b: CostRow): CostRow {
  const { agent, model } = a;
  return {
    agent,
    model,
    ...addAmounts(a, b),
    ...part('wasted', a.wasted, b.wasted),
    ...part('estimated', a.estimated, b.estimated),
    ...part('saved', a.saved, b.saved),
  };
}

function part<N extends 'wasted' | 'estimated' | 'saved'>(
  name: N,
  a: Amount | undefined,
  b: Amount | undefined,
): { readonly [K in N]?: Amount } {
  if (a === undefined && b === undefined) return {};
  return { [name]: addAmounts(a ?? NO_AMOUNT, b ?? NO_AMOUNT) } as { readonly [K in N]: Amount };
}

/** All of it came of nothing. */
export function asWasted(rows: readonly CostRow[]): readonly CostRow[] {
  return rows.map((row) => ({ ...row, wasted: amountOf(row) }));
}

/** A row that used nothing. */
export function savedRow(agent: string, model: string, saved: Amount): CostRow {
  return { agent, model, ...NO_AMOUNT, saved };
}

/** Whether anything was used: a row may say only what was saved. */
export function isUsed(row: CostRow): boolean {
  return FIELDS.some((field) => row[field] > 0);
}

export function sumAmounts(amounts: readonly (Amount | undefined)[]): Amount {
  return amounts.reduce<Amount>((all, one) => (one === undefined ? all : addAmounts(all, one)), NO_AMOUNT);
}

export function toCosts(rows: readonly CostRow[], final: boolean): Costs {
  return {
    rows,
    total: sumAmounts(rows),
    wasted: sumAmounts(rows.map(({ wasted }) => wasted)),
    estimated: sumAmounts(rows.map(({ estimated }) => estimated)),
    saved: sumAmounts(rows.map(({ saved }) => saved)),
    final,
  };
}

/** What budgets count: micro-USD, and input and output tokens together. Integers. */
export interface Funds {
  readonly microUsd: number;
  readonly tokens: number;
}

/** A child asks its parent for more, or a run its tenant. */
export interface FundsAsk {
  /** From 1: what comes twice is known by it. */
  readonly seq: number;
  /** With less nothing can begin. */
  readonly least: Funds;
  /** What waits needs at most. */
  readonly wish: Funds;
  /** Where the answer is wanted. */
  readonly to: ReplyAddress;
}

export const NO_FUNDS: Funds = { microUsd: 0, tokens: 0 };

export function toFunds({ microUsd, inputTokens, outputTokens }: Amount): Funds {
  return { microUsd, tokens: inputTokens + outputTokens };
}

// Prices.

export const MICROS = 1_000_000;

/** Of USD: a part of a micro-USD counts as one. */
export function toMicroUsd(usd: number): number {
  // What a float adds at the end is no part of it: a millionth of a micro-USD is the least that is seen.
  return Math.ceil(Number((usd * MICROS).toFixed(6)));
}

/** In micro-USD, exact, and rounded up once. */
export function priceOf(
  tokens: Pick<Amount, 'inputTokens' | 'outputTokens' | 'cachedInputTokens'>,
  price: Price,
): number {
  const { inputTokens, outputTokens } = tokens;
  const cached = Math.min(inputTokens, tokens.cachedInputTokens);
  const { inputPerMillion, outputPerMillion, cachedInputPerMillion = inputPerMillion } = price;
  const parts: readonly (readonly [number, number])[] = [
    [inputTokens - cached, inputPerMillion],
    [cached, cachedInputPerMillion],
    [outputTokens, outputPerMillion],
  ];
  // Micro-USD for a million tokens: an integer, for the schema takes prices of at most six decimals.
  const millionfold = parts.reduce(
    (sum, [count, usd]) => sum + BigInt(count) * BigInt(Math.round(usd * MICROS)),
    0n,
  );
  const micros = (millionfold + BigInt(MICROS - 1)) / BigInt(MICROS);
  return Number(micros > BigInt(Number.MAX_SAFE_INTEGER) ? BigInt(Number.MAX_SAFE_INTEGER) : micros);
}
