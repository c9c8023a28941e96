// Budgets of tenants looked at and changed while they are used: orders to their actors, which answer with how they are then.
import { QuorateError } from '../contract/errors.ts';
import type { LimitCall } from '../contract/limits.ts';
import type { Bridge } from '../contract/ports.ts';
import type { DayBudgetStatus, DayBudgets } from '../contract/tenants.ts';
import { MICROS } from '../contract/usage.ts';
import type { DayLimit } from '../control/tenant/protocol.ts';
import { DAY_MS, type DayView } from '../control/tenant/tenant.ts';
import type { Requests } from '../mailbox/requests.ts';
import { toLimits } from './budgets.ts';
import { giveOrderTo } from './orders.ts';

export function createDayBudgets(
  bridge: Pick<Bridge, 'listSessions'>,
  requests: Pick<Requests, 'ask'>,
): DayBudgets {
  const order = async (
    tenant: string,
    limit: DayLimit | undefined,
    call: LimitCall | undefined,
  ): Promise<DayBudgetStatus> => {
    const what = limit === undefined ? {} : { limit };
    const view = await giveOrderTo({ bridge, requests }, { kind: 'tenant', name: tenant }, what, call);
    if (view !== undefined) return toStatus(view as unknown as DayView);
    throw new QuorateError('BUDGET_NOT_FOUND', `no run has drawn on a budget of tenant '${tenant}'`);
  };
  return {
    get: (tenant, call) => order(tenant, undefined, call),
    set: async (tenant, { usdPerDay, tokensPerDay }, call) =>
      order(tenant, toLimits({ usd: usdPerDay, tokens: tokensPerDay }, `the budget of ${tenant}`), call),
  };
}

function toStatus({ day, limit, granted, waiting, revision }: DayView): DayBudgetStatus {
  const { microUsd, tokens } = limit;
  return {
    ...(microUsd === undefined ? {} : { usdPerDay: microUsd / MICROS }),
    ...(tokens === undefined ? {} : { tokensPerDay: tokens }),
    day: new Date(day * DAY_MS).toISOString().slice(0, 10),
    drawnUsd: granted.microUsd / MICROS,
    drawnTokens: granted.tokens,
    waiting,
    revision,
  };
}
