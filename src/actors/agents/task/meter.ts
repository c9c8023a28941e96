// What one attempt uses, as its agent says it (docs/control.md). A report that cannot be read is logged and left out, and never fails
// the attempt: its answer was paid for. What was reserved and not settled counts as reserved; an agent that estimates and
// reports nothing counts its estimate. What is told behind the end is passed on by itself.
import { type Failure, failureOf } from '../../../contract/failure.ts';
import type { Logger } from '../../../contract/ports.ts';
import {
  type Amount,
  addAmounts,
  addRows,
  type CostRow,
  type Estimate,
  NO_AMOUNT,
  priceOf,
  type Reservation,
  toMicroUsd,
  type Usage,
} from '../../../contract/usage.ts';
import {
  amountOfEstimate,
  type Prices,
  priceFor,
  readEstimate,
  readUsage,
} from '../../protocol/estimates.ts';
import type { Attempt } from './task.ts';

export interface MeterOptions {
  readonly agent: string;
  /** Of the agent: what it uses where it names no other. */
  readonly model: string | undefined;
  /** What models cost as it is booked. */
  readonly prices: () => Prices;
  readonly logger: Logger;
  /** What was told behind the end: `step` counts from 1. */
  readonly onLate: (rows: readonly CostRow[], step: number) => void;
}

export interface Meter {
  readonly usage: (usage: Usage) => void;
  readonly reserve: (estimate: Estimate) => Promise<Reservation>;
  /** Ends it: what was used. `estimate` counts where nothing was said; nothing was done where that is known. */
  close(estimate: () => Estimate | undefined, attempt: Attempt): readonly CostRow[];
}

export function createMeter({ agent, model: own, prices, logger, onLate }: MeterOptions): Meter {
  let sums = new Map<string, Sum>();
  const open = new Set<Estimate>();
  /** Of those, what was settled without a number: such a call was made, whatever the attempt ends with. */
  const made = new Set<Estimate>();
  let isSaid = false;
  let isClosed = false;
  let step = 0;

  const add = (usage: Usage): void => {
    const name = usage.model ?? own ?? '';
    sums.set(name, addUsage(sums.get(name) ?? NO_SUM, usage));
  };
  const taken = (): readonly CostRow[] => {
    const rows = [...sums].map(([name, sum]) => toRow(agent, name, sum, prices()));
    sums = new Map();
    return rows;
  };
  const note = (usage: Usage): void => {
    if (saysSomething(usage)) isSaid = true;
    add(usage);
    if (isClosed) onLate(taken(), ++step);
  };

  return {
    usage: (given) => {
      const usage = readUsage(given, agent, logger);
      if (usage !== undefined) note(usage);
    },
    reserve: async (given) => {
      const reserved = { ...readEstimate(given, agent, logger) };
      open.add(reserved);
      return {
        settle: (usage) => {
          // Settled before, or counted when the attempt ended.
          if (!open.has(reserved)) return;
          const used = readUsage(usage, agent, logger);
          // Of a call whose usage nobody knows the reservation counts, at the end.
          if (used === undefined || !saysSomething(used)) return void made.add(reserved);
          open.delete(reserved);
          note(used);
        },
      };
    },
    close: (estimate, attempt) => {
      isClosed = true;
      const reserved = [...open];
      open.clear();
      const rows = taken();
      const isRefused = wasRefused(attempt);
      // The last that was begun is the one that was refused.
      const refused = isRefused ? reserved.findLastIndex((one) => !made.has(one)) : -1;
      if (refused >= 0) reserved.splice(refused, 1);
      const unsaid = isSaid || reserved.length > 0 || isRefused ? undefined : estimate();
      const estimated = (unsaid === undefined ? reserved : [unsaid]).flatMap((one) =>
        estimatedRows(agent, one, own, prices()),
      );
      // A call of which only its number was said is the one that was estimated.
      return unsaid !== undefined && estimated.length > 0 ? estimated : addRows(rows, estimated);
    },
  };
}

/** Whether it is known that nothing was done: nobody is billed for a refusal. */
function wasRefused(attempt: Attempt): boolean {
  const failure = attempt.kind === 'failed' ? failureOf(attempt.error) : undefined;
  return failure !== undefined && (REFUSALS.has(failure.kind) || failure.status !== undefined);
}

const REFUSALS: ReadonlySet<Failure['kind']> = new Set(['throttled', 'overloaded', 'transient', 'account']);

/** Of one model: what was said, and what of it a price has to be found for. */
interface Sum {
  readonly amount: Amount;
  readonly toPrice: Amount;
}

const NO_SUM: Sum = { amount: NO_AMOUNT, toPrice: NO_AMOUNT };

function addUsage({ amount, toPrice }: Sum, usage: Usage): Sum {
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens = 0, reasoningTokens = 0, calls = 1 } = usage;
  const counted = { ...NO_AMOUNT, inputTokens, outputTokens, cachedInputTokens, reasoningTokens, calls };
  if (usage.usd !== undefined)
    return { amount: addAmounts(amount, { ...counted, microUsd: toMicroUsd(usage.usd) }), toPrice };
  // Whatever such a call cost, it was not nothing.
  const unpriced = saysSomething(usage) ? counted : { ...counted, unpricedCalls: calls };
  return { amount: addAmounts(amount, unpriced), toPrice: addAmounts(toPrice, counted) };
}

/** A number that an SDK leaves undefined says nothing. */
function saysSomething({ inputTokens, outputTokens, usd: given }: Usage): boolean {
  return inputTokens !== undefined || outputTokens !== undefined || given !== undefined;
}

function toRow(agent: string, name: string, { amount, toPrice }: Sum, prices: Prices): CostRow {
  const price = priceFor(name, prices);
  const isUnpriced = price === undefined && toPrice.calls > 0;
  return {
    agent,
    model: name,
    ...amount,
    microUsd: amount.microUsd + (price === undefined ? 0 : priceOf(toPrice, price)),
    unpricedCalls: isUnpriced ? toPrice.calls : amount.unpricedCalls,
  };
}

/** None for an estimate that says nothing. */
export function estimatedRows(
  agent: string,
  estimate: Estimate,
  own: string | undefined,
  prices: Prices,
): readonly CostRow[] {
  if (estimate.tokens === undefined && estimate.usd === undefined) return [];
  const name = estimate.model ?? own ?? '';
  const estimated = amountOfEstimate(estimate, priceFor(name, prices));
  return [{ agent, model: name, ...estimated, estimated }];
}
