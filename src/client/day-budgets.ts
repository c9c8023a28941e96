// Budgets of tenants looked at and changed while they are used: orders to their actors, which answer with how they are then.
import { randomUUID } from 'node:crypto';
import { toControl } from '../actors/protocol/control.ts';
import { controlAddress } from '../contract/control.ts';
import { fromErrorJson, QuorateError } from '../contract/errors.ts';
import type { EventJson } from '../contract/json.ts';
import type { LimitCall } from '../contract/limits.ts';
import type { Bridge } from '../contract/ports.ts';
import type { DayBudgetStatus, DayBudgets } from '../contract/tenants.ts';
import { MICROS } from '../contract/usage.ts';
import type { DayLimit } from '../control/tenant/protocol.ts';
import { DAY_MS, type DayView } from '../control/tenant/tenant.ts';
import type { Requests } from '../mailbox/requests.ts';
import { toLimits } from './budgets.ts';
import { sessionsOf } from './limits.ts';

const TIMEOUT_MS = 60_000;
/** The tenant's actor may be on its way to another host. */
const REPEAT_MS = 1_000;

export function createDayBudgets(
  bridge: Pick<Bridge, 'listSessions'>,
  requests: Pick<Requests, 'ask'>,
): DayBudgets {
  const order = async (
    tenant: string,
    limit: DayLimit | undefined,
    { timeoutMs = TIMEOUT_MS, signal }: LimitCall = {},
  ): Promise<DayBudgetStatus> => {
    // An order would make the actor of a tenant that has none.
    const known = await sessionsOf(bridge, 'tenant');
    if (!known.includes(controlAddress('tenant', tenant).id))
      throw new QuorateError('BUDGET_NOT_FOUND', `no run has drawn on a budget of tenant '${tenant}'`);
    // The same for each repeat: it is carried out once.
    const id = randomUUID();
    const answer = await requests.ask(
      (from) => {
        const event = { type: 'order', id, from: { ...from }, ...(limit === undefined ? {} : { limit }) };
        return toControl({ kind: 'tenant', name: tenant }, event as unknown as EventJson, randomUUID());
      },
      {
        timeoutMs,
        signal,
        repeatMs: REPEAT_MS,
        onTimeout: () =>
          new QuorateError(
            'RESULT_TIMEOUT',
            `the budget of tenant '${tenant}' did not answer in time: does a host of it run?`,
          ),
      },
    );
    if (answer.answer === 'outcome' && answer.outcome.status === 'done')
      return toStatus(answer.outcome.output as unknown as DayView);
    throw answer.answer === 'error'
      ? fromErrorJson(answer.error)
      : new Error('unexpected answer of a tenant');
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
