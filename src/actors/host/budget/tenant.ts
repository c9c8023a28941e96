// A run whose tenant has a budget for the day: it begins with nothing, draws blocks from the tenant's actor (control/tenant) when work
// waits, up to its own budget if it has one, and gives back at its end what it has not used. What is not answered is asked again under
// the same number, for the tenant's actor may have lost its state. Pure.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import type { EventJson } from '../../../contract/json.ts';
import { type Funds, type FundsAsk, NO_FUNDS } from '../../../contract/usage.ts';
import type { DayLimit, Draw, GiveBack } from '../../../control/tenant/protocol.ts';
import { BUDGET_GRANT, type GivenBudget } from '../../protocol/budgets.ts';
import { toControl } from '../../protocol/control.ts';
import { hashId, inLife } from '../../protocol/ids.ts';
import type { BudgetState, OutboxEntry, TenantDraws } from '../state/session-state.ts';
import { type Limit, newLedger, reservedOf } from './ledger.ts';

/** A run draws this share of a day at most at a time: no fan-out takes it whole. */
const BLOCK_SHARE = 0.05;

/** The budget of a new run: of what its tenant limits it has nothing yet. */
export function drawnBudget(given: GivenBudget | undefined, tenant: string, limit: DayLimit): BudgetState {
  const { onExhausted = 'wait', microUsd, tokens } = given ?? {};
  const own = {
    ...(microUsd === undefined ? {} : { microUsd }),
    ...(tokens === undefined ? {} : { tokens }),
  };
  const empty = {
    ...(limit.microUsd === undefined ? {} : { microUsd: 0 }),
    ...(limit.tokens === undefined ? {} : { tokens: 0 }),
  };
  const most: Limit = {
    ...(limit.microUsd === undefined || microUsd === undefined ? {} : { microUsd }),
    ...(limit.tokens === undefined || tokens === undefined ? {} : { tokens }),
  };
  return {
    ledger: newLedger({ ...own, ...empty }),
    onExhausted,
    timers: 0,
    topUps: [],
    draws: { tenant, limit, most, back: NO_FUNDS },
  };
}

interface Drawn {
  readonly budget: BudgetState;
  readonly entries: readonly OutboxEntry[];
}

interface Drawer {
  readonly actor: ActorAddress;
  readonly incarnation: string;
}

/** From the first asking again on, each wait is twice the one before it. */
const [AGAIN_MS, MOST_AGAIN_MS] = [60_000, 3_600_000];

/** When an open draw is to be said again, or one that was refused since too many runs wait; undefined where nothing is to be said again. */
export function drawAgainAt({ draws, asked, onExhausted }: BudgetState): number | undefined {
  if (draws === undefined || asked === undefined) return undefined;
  const { isOpen, isRefused, at = 0, repeats = 0 } = asked;
  if (!isOpen && !(isRefused && onExhausted === 'wait')) return undefined;
  return at + Math.min(MOST_AGAIN_MS, AGAIN_MS * 2 ** repeats);
}

/** Draws for what waits; once at a time, and nothing beyond the budget of the run itself. */
export function drawFrom(
  budget: BudgetState,
  needs: Pick<FundsAsk, 'least' | 'wish'>,
  drawer: Drawer,
  now: number,
): Drawn {
  const { draws, ledger, onExhausted, asked = { seq: 0, isOpen: false, isRefused: false } } = budget;
  if (draws === undefined || (drawAgainAt(budget) ?? now) > now) return { budget, entries: [] };
  const left = leftOf(draws, ledger.limit);
  const { least } = needs;
  if (least.microUsd > left.microUsd || least.tokens > left.tokens) return { budget, entries: [] };
  const wish = {
    microUsd: wishOf(least.microUsd, needs.wish.microUsd, draws.limit.microUsd, left.microUsd),
    tokens: wishOf(least.tokens, needs.wish.tokens, draws.limit.tokens, left.tokens),
  };
  const seq = asked.isOpen ? asked.seq : asked.seq + 1;
  const repeats = asked.isOpen || asked.isRefused ? (asked.repeats ?? 0) + 1 : 0;
  const draw: Draw = {
    type: 'draw',
    to: addressOf(drawer),
    seq,
    least,
    wish,
    limit: draws.limit,
    isFinal: onExhausted === 'fail',
  };
  return {
    budget: { ...budget, asked: { seq, isOpen: true, isRefused: false, at: now, repeats } },
    entries: [toTenant(draws.tenant, draw, drawer, seq, ...(repeats === 0 ? [] : [repeats]))],
  };
}

function leftOf({ most }: TenantDraws, drawn: Limit): Funds {
  const left = (of: number | undefined, so: number | undefined): number =>
    of === undefined ? Number.POSITIVE_INFINITY : of - (so ?? 0);
  return { microUsd: left(most.microUsd, drawn.microUsd), tokens: left(most.tokens, drawn.tokens) };
}

function wishOf(least: number, wish: number, day: number | undefined, left: number): number {
  const block = day === undefined ? least : Math.max(least, Math.floor(day * BLOCK_SHARE));
  return Math.min(Math.max(least, wish), block, left);
}

/** Of a run that has ended: what it has drawn and neither used nor reserved goes back. */
export function giveBack(budget: BudgetState, drawer: Drawer): Drawn {
  const { draws, ledger } = budget;
  if (draws === undefined) return { budget, entries: [] };
  const reserved = reservedOf(ledger);
  const rest = (of: keyof Funds): number =>
    draws.limit[of] === undefined
      ? 0
      : Math.max(0, (ledger.limit[of] ?? 0) - ledger.spent[of] - reserved[of]);
  const sum = { microUsd: rest('microUsd'), tokens: rest('tokens') };
  if (sum.microUsd <= draws.back.microUsd && sum.tokens <= draws.back.tokens) return { budget, entries: [] };
  const back: GiveBack = { type: 'giveBack', to: addressOf(drawer), sum };
  return {
    budget: { ...budget, draws: { ...draws, back: sum } },
    entries: [toTenant(draws.tenant, back, drawer, sum.microUsd, sum.tokens)],
  };
}

function toTenant(
  name: string,
  event: Draw | GiveBack,
  drawer: Drawer,
  ...place: readonly number[]
): OutboxEntry {
  const id = hashId(event.type, name, formatAddress(drawer.actor), drawer.incarnation, ...place);
  return { kind: 'message', message: toControl({ kind: 'tenant', name }, event as unknown as EventJson, id) };
}

function addressOf({ actor, incarnation }: Drawer): Draw['to'] {
  return {
    entity: actorQueue(actor.type),
    sessionId: actor.id,
    correlationId: inLife(BUDGET_GRANT, incarnation),
  };
}
