// Bounds the retries of an agent to a share of its first attempts, in this process: where everything fails, three attempts each
// are three times the load, just when there is too much of it. Retries over the budget are put off, and none is lost. A bucket of
// tokens that may go into debt: a first attempt adds a share of one, a retry takes one, time adds some, so that an agent that
// is asked little may retry too. Pure steps; the handler keeps the state.
import type { RetryBudget } from '../../../contract/config.ts';

interface Budget {
  readonly share: number;
  readonly perSecond: number;
}

export const DEFAULT_BUDGET: Budget = { share: 0.2, perSecond: 10 };

/** What time adds is kept for so long: retries in a row before any is put off. */
const KEPT_SECONDS = 10;

export interface BudgetState {
  /** Below 0: retries that are due later, and have taken what time will add. */
  readonly tokens: number;
  readonly at: number;
}

const mostOf = ({ perSecond }: Budget): number => Math.max(1, perSecond * KEPT_SECONDS);

export function fullBudget(budget: Budget, now: number): BudgetState {
  return { tokens: mostOf(budget), at: now };
}

/** A clock that was set back adds nothing, one that jumped ahead adds no more than is kept. */
function refilled({ tokens, at }: BudgetState, budget: Budget, now: number): BudgetState {
  const added = (Math.max(0, now - at) / 1_000) * budget.perSecond;
  return { tokens: Math.min(mostOf(budget), tokens + added), at: now };
}

export function earn(state: BudgetState, budget: Budget, now: number): BudgetState {
  const { tokens } = refilled(state, budget, now);
  return { tokens: Math.min(mostOf(budget), tokens + budget.share), at: now };
}

/** `waitMs`: until time has paid for it. */
export function spend(
  state: BudgetState,
  budget: Budget,
  now: number,
): { readonly state: BudgetState; readonly waitMs: number } {
  const tokens = refilled(state, budget, now).tokens - 1;
  return {
    state: { tokens, at: now },
    waitMs: tokens >= 0 ? 0 : Math.ceil((-tokens / budget.perSecond) * 1_000),
  };
}

/** Of one agent. */
export interface RetryLedger {
  readonly began: (attempt: 'first' | 'redelivered', now: number) => void;
  /** How much longer a retry has to wait. */
  readonly retry: (now: number) => number;
}

/** Nothing at all where there is to be no budget. */
export function createRetryLedger(
  given: RetryBudget | false | undefined,
  now: number,
): RetryLedger | undefined {
  if (given === false) return undefined;
  const budget: Budget = {
    share: given?.share ?? DEFAULT_BUDGET.share,
    perSecond: given?.perSecond ?? DEFAULT_BUDGET.perSecond,
  };
  let state = fullBudget(budget, now);
  const retry = (at: number): number => {
    const spent = spend(state, budget, at);
    ({ state } = spent);
    return spent.waitMs;
  };
  return {
    retry,
    began: (attempt, at) => {
      // One whose host was gone costs as much as a retry; but it is there, and cannot be put off.
      if (attempt === 'first') state = earn(state, budget, at);
      else retry(at);
    },
  };
}
