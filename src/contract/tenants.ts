// What tenants may use in a day, as people see and change it while it is used (docs/control.md).
import type { LimitCall } from './limits.ts';

/** What is left out stays as it is. */
export interface DayBudget {
  readonly usdPerDay?: number;
  /** Input and output together. */
  readonly tokensPerDay?: number;
}

/** How a tenant's day is now. */
export interface DayBudgetStatus extends DayBudget {
  /** The UTC day, YYYY-MM-DD. */
  readonly day: string;
  /** What its runs have drawn on this day and not given back; they may not have used all of it yet. */
  readonly drawnUsd: number;
  readonly drawnTokens: number;
  /** Runs that wait for more. */
  readonly waiting: number;
  /** Of the configuration, or one more than that it was changed over. */
  readonly revision: number;
}

/** Budgets of tenants by name: what `quorate budgets` does. A client has it as `client.budgets`. */
export interface DayBudgets {
  /** Throws BUDGET_NOT_FOUND where no run of the tenant has drawn, or RESULT_TIMEOUT where no host of it runs. */
  get(tenant: string, options?: LimitCall): Promise<DayBudgetStatus>;
  /**
   * Changes it for all processes, from now on: runs that wait continue at once where there is enough. It counts until it is changed
   * again, or a configuration has a higher `revision`. What was drawn stays drawn. Throws BUDGET_INVALID too.
   */
  set(tenant: string, change: DayBudget, options?: LimitCall): Promise<DayBudgetStatus>;
}
