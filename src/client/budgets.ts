// What a client says of budgets, as messages say it: USD become micro-USD, and what is no amount is refused here.
import { formatBudget, MAX_BUDGET_USD } from '../actors/protocol/budgets.ts';
import type { BudgetOptions } from '../contract/client.ts';
import { QuorateError } from '../contract/errors.ts';
import { toMicroUsd } from '../contract/usage.ts';
import { PROPERTY, type WireMessage } from '../contract/wire.ts';

interface Given {
  readonly usd?: number | undefined;
  readonly tokens?: number | undefined;
}

interface Limits {
  readonly microUsd?: number;
  readonly tokens?: number;
}

/** Throws BUDGET_INVALID. */
export function toLimits({ usd, tokens }: Given, of: string): Limits {
  const refuse = (why: string): never => {
    throw new QuorateError('BUDGET_INVALID', `${of}: ${why}`);
  };
  if (usd === undefined && tokens === undefined) refuse('neither usd nor tokens');
  if (usd !== undefined && !(typeof usd === 'number' && usd >= 0 && usd <= MAX_BUDGET_USD))
    refuse(`usd must be a number from 0 on, not ${String(usd)}`);
  if (tokens !== undefined && !(Number.isSafeInteger(tokens) && tokens >= 0))
    refuse(`tokens must be a whole number from 0 on, not ${String(tokens)}`);
  return {
    ...(usd === undefined ? {} : { microUsd: toMicroUsd(usd) }),
    ...(tokens === undefined ? {} : { tokens }),
  };
}

/** The property of a start. Empty without a budget. */
export function withBudget(
  budget: BudgetOptions | undefined,
  of: string,
): NonNullable<WireMessage['properties']> {
  if (budget === undefined) return {};
  const { onExhausted = 'wait' } = budget;
  if (onExhausted !== 'wait' && onExhausted !== 'fail')
    throw new QuorateError('BUDGET_INVALID', `${of}: onExhausted is 'wait' or 'fail'`);
  return { [PROPERTY.budget]: formatBudget({ ...toLimits(budget, `the budget of ${of}`), onExhausted }) };
}
