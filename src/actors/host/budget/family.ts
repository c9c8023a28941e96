// Budgets of parents and children. A child is given a share in its start message, which its parent reserves. What it needs beyond that
// it asks for; its parent grants it when there is room, or asks its own parent in turn. What it used comes up with its costs, and at
// its end the rest flows back, but for what it holds for attempts that are under way. Pure.
import type { ActorAddress } from '../../../contract/address.ts';
import { formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import { type Funds, type FundsAsk, NO_FUNDS } from '../../../contract/usage.ts';
import { PROPERTY, type WireMessage } from '../../../contract/wire.ts';
import {
  BUDGET_GRANT,
  type FundsGrant,
  formatBudget,
  type GivenBudget,
  toGrant,
} from '../../protocol/budgets.ts';
import { hashId, inLife, withoutLife } from '../../protocol/ids.ts';
import { type Told, toUsage } from '../../protocol/usage.ts';
import type { BudgetState, OutboxEntry } from '../state/session-state.ts';
import { available, grant, keepOf, type Ledger, reserveMore, roomFor } from './ledger.ts';

/** Attempts of a child that has ended are told, and say what they used. */
const GRACE_MS = 60_000;

/** What a start gives its child: not all, for others may come. Asked for again when it is used. */
function shareOf({ microUsd, tokens }: Funds, children: number): Funds {
  const part = (left: number): number => (Number.isFinite(left) ? Math.floor(left / (children + 1)) : 0);
  return { microUsd: part(microUsd), tokens: part(tokens) };
}

interface Allotted {
  readonly budget: BudgetState;
  readonly outbox: readonly OutboxEntry[];
}

/** Gives the children that start now their shares. */
export function allot(given: BudgetState, outbox: readonly OutboxEntry[]): Allotted {
  const starts = outbox.filter(isFreshChild);
  if (starts.length === 0) return { budget: given, outbox };
  const share = shareOf(available(given.ledger), starts.length);
  let { ledger } = given;
  const funded = outbox.map((entry): OutboxEntry => {
    if (!isFreshChild(entry)) return entry;
    ledger = reserveMore(ledger, childOf(entry.message), share);
    const text = formatBudget(toGiven(given, share));
    const properties = { ...entry.message.properties, [PROPERTY.budget]: text };
    return { ...entry, message: { ...entry.message, properties } };
  });
  return { budget: { ...given, ledger }, outbox: funded };
}

function isFreshChild(entry: OutboxEntry): entry is Extract<OutboxEntry, { kind: 'message' }> {
  if (entry.kind !== 'message' || entry.message.subject !== 'start') return false;
  return entry.message.properties?.[PROPERTY.budget] === undefined;
}

function childOf({ body }: WireMessage): string {
  const { parent } = body as unknown as { readonly parent?: { reply: { correlationId: string } } };
  return withoutLife(parent?.reply.correlationId ?? '');
}

/** Of the kinds that are limited above. */
function toGiven({ ledger: { limit }, onExhausted }: BudgetState, share: Funds): GivenBudget {
  return {
    onExhausted,
    ...(limit.microUsd === undefined ? {} : { microUsd: share.microUsd }),
    ...(limit.tokens === undefined ? {} : { tokens: share.tokens }),
  };
}

// What a child says.

/** Its end, and what it asks for. What it used is spent already. */
export function hearChild(budget: BudgetState, told: Told): BudgetState {
  const { execution, held, isOver, ask, until } = told;
  const ledger: Ledger =
    isOver === true ? keepOf(budget.ledger, execution, held ?? NO_FUNDS, until + GRACE_MS) : budget.ledger;
  const asks = ask === undefined ? budget.asks : { ...budget.asks, [execution]: ask };
  return { ...budget, ledger, ...(asks === undefined ? {} : { asks }) };
}

interface Served {
  readonly budget: BudgetState;
  readonly entries: readonly OutboxEntry[];
}

/** Grants what there is room for, in order. `isOpen`: whether the child is still waited for. */
export function serveAsks(
  given: BudgetState,
  actor: ActorAddress,
  isOpen: (execution: string) => boolean,
): Served {
  const { asks = {}, onExhausted, asked } = given;
  const left = Object.entries(asks).filter(([execution]) => isOpen(execution));
  let { ledger } = given;
  const entries: OutboxEntry[] = [];
  const waiting: [string, FundsAsk][] = [];
  // Nothing else is under way that could free anything, and nobody above gives more.
  const others = Object.keys(ledger.reserved).filter((execution) => !Object.hasOwn(asks, execution));
  const isFinal = onExhausted === 'fail' && others.length === 0 && asked?.isOpen !== true;
  for (const [execution, ask] of left) {
    const room = roomFor(ledger, ask.least) >= 1;
    if (!room && !(isFinal && asked?.isRefused !== false)) {
      waiting.push([execution, ask]);
      continue;
    }
    const funds = room ? atMost(ask, available(ledger)) : NO_FUNDS;
    if (room) ledger = reserveMore(ledger, execution, funds);
    const answer: FundsGrant = { ...funds, seq: ask.seq, isRefused: !room };
    const id = hashId('grant', formatAddress(actor), execution, ask.to.correlationId, ask.seq);
    entries.push({ kind: 'message', message: toGrant(ask, answer, id) });
  }
  const { asks: _, ...rest } = given;
  const open = waiting.length === 0 ? {} : { asks: Object.fromEntries(waiting) };
  return { budget: { ...rest, ledger, ...open }, entries };
}

function atMost({ least, wish }: FundsAsk, left: Funds): Funds {
  const part = (low: number, high: number, room: number): number =>
    Number.isFinite(room) ? Math.max(low, Math.min(high, room)) : high;
  return {
    microUsd: part(least.microUsd, wish.microUsd, left.microUsd),
    tokens: part(least.tokens, wish.tokens, left.tokens),
  };
}

// What a child asks.

interface Asking {
  readonly actor: ActorAddress;
  readonly incarnation: string;
  readonly parent: { readonly entity: string; readonly sessionId: string; readonly correlationId: string };
  readonly until: number;
}

/** Asks for what waits; once at a time. */
export function askParent(
  budget: BudgetState,
  needs: Pick<FundsAsk, 'least' | 'wish'>,
  asking: Asking,
): Served {
  const { asked = { seq: 0, isOpen: false, isRefused: false } } = budget;
  if (asked.isOpen) return { budget, entries: [] };
  const { actor, incarnation, parent, until } = asking;
  const { entity, sessionId, correlationId: execution } = parent;
  const seq = asked.seq + 1;
  const to = {
    entity: actorQueue(actor.type),
    sessionId: actor.id,
    correlationId: inLife(BUDGET_GRANT, incarnation),
  };
  const told: Told = { execution, of: 'sum', rows: [], until, ask: { ...needs, seq, to } };
  const messageId = hashId('ask', formatAddress(actor), incarnation, seq);
  const message = toUsage({ entity, sessionId, messageId }, told);
  return {
    budget: { ...budget, asked: { seq, isOpen: true, isRefused: false } },
    entries: [{ kind: 'message', message }],
  };
}

/** The same budget for a grant that came before. */
export function takeGrant(budget: BudgetState, { seq, isRefused, ...funds }: FundsGrant): BudgetState {
  const { asked } = budget;
  if (asked === undefined || asked.seq !== seq || !asked.isOpen) return budget;
  return { ...budget, ledger: grant(budget.ledger, funds), asked: { ...asked, isOpen: false, isRefused } };
}
