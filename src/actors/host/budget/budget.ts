// A run under a budget (docs/control.md). A task leaves in the commit that reserves what it uses at most; what there is no room for
// is unsent (unsent/unsent.ts), and this is its gate. What was used is settled as it is booked, and what that frees lets the next
// ones leave. Where nothing under way can free anything any more, what waits fails, if the budget says so. Pure.
import type { ActorAddress } from '../../../contract/address.ts';
import type { CoreState, Timer } from '../../../contract/turn.ts';
import { type Funds, NO_FUNDS, toCosts, toFunds } from '../../../contract/usage.ts';
import { type BudgetReport, PROPERTY, type WireMessage } from '../../../contract/wire.ts';
import { type GivenBudget, parseFunds, readGrant } from '../../protocol/budgets.ts';
import type { Told } from '../../protocol/usage.ts';
import {
  type BudgetState,
  type ControlState,
  countUnsent,
  type OutboxEntry,
  type SessionState,
  type TaskEntry,
  type TopUp,
  type UnsentEntry,
} from '../state/session-state.ts';
import { deadlineMsOf, endOfLeft, withoutDeadline } from '../unsent/deadlines.ts';
import type { Gate } from '../unsent/gates.ts';
import { ownTimer } from '../unsent/own-timer.ts';
import { allot, askParent, hearChild, serveAsks, takeGrant } from './family.ts';
import {
  expire,
  grant,
  isLow,
  type Ledger,
  type Limit,
  letGoOf,
  newLedger,
  plus,
  reserve,
  reserveBranches,
  reservedOf,
  roomFor,
  settle,
  spend,
  spendOf,
} from './ledger.ts';
import { drawAgainAt, drawFrom, giveBack } from './tenant.ts';

/** What is used of a limit when the machine is told: `quorate.budget.low`. */
const LOW_SHARE = 0.8;
/** Attempts that run when their deadline comes are told, and say what they used. */
const GRACE_MS = 60_000;
/** A child whose parent waits no more says by itself what it holds. */
const CHILD_MS = 600_000;

export function newBudget({ onExhausted, ...limit }: GivenBudget): BudgetState {
  return { ledger: newLedger(limit), onExhausted, timers: 0, topUps: [] };
}

// What may leave.

export const budgetGate: Gate = {
  holds: (control) => control?.budget !== undefined,
  grants: ({ budget }, work, most) => {
    // What has to be done in any case is done beyond the budget as well.
    if (budget === undefined || work.cancel === 'ignore') return most;
    const room = roomFor(budget.ledger, eachOf(work));
    return work.kind === 'scatter' && work.topic !== undefined
      ? wholeItems(work, room, most)
      : Math.min(most, room);
  },
  taken: (control, work, count) => {
    const { budget } = control;
    if (budget === undefined || work.cancel === 'ignore') return control;
    return { ...control, budget: { ...budget, ledger: reserved(budget.ledger, work, count) } };
  },
  granted: (control, body) => {
    const funds = readGrant(body);
    const { budget } = control;
    if (funds === undefined) return undefined;
    return budget === undefined ? control : { ...control, budget: takeGrant(budget, funds) };
  },
};

/** A broadcast is one message for all branches of an item. */
function wholeItems({ agents }: UnsentEntry, room: number, most: number): number {
  if (agents.length > most) return room < agents.length ? 0 : most;
  const count = Math.min(most, room);
  return count - (count % agents.length);
}

function eachOf(work: UnsentEntry): Funds {
  const each = work.kind === 'scatter' ? work.each : parseFunds(work.message.properties?.[PROPERTY.budget]);
  return each ?? NO_FUNDS;
}

function reserved(ledger: Ledger, work: UnsentEntry, count: number): Ledger {
  const each = eachOf(work);
  const { execution, cursor } = work;
  if (work.kind === 'scatter') {
    const branches = Array.from({ length: count }, (_, at) => cursor + at);
    return reserveBranches(ledger, execution, each, branches);
  }
  const branch = work.message.properties?.[PROPERTY.branch];
  return typeof branch === 'number'
    ? reserveBranches(ledger, execution, each, [branch])
    : reserve(ledger, execution, each);
}

// What was used.

/** What these reports, and the end of what was asked, do to the budget. The next attempts at what failed are unsent. */
export function settleBudget(
  control: ControlState,
  reports: readonly Told[],
  {
    before,
    after,
    now,
  }: { readonly before: CoreState | null; readonly after: CoreState; readonly now: number },
): ControlState {
  if (control.budget === undefined) return control;
  let budget: BudgetState = { ...control.budget, ledger: expire(control.budget.ledger, now) };
  const again: TaskEntry[] = [];
  for (const told of reports) {
    const { execution, again: message } = told;
    const { ledger } = budget;
    const used = usedOf(told, ledger.limit, ledger.reserved[execution]?.each ?? NO_FUNDS);
    budget = hearChild({ ...budget, ledger: apply(ledger, told, used) }, told);
    const deadlineAt = after.executions[execution]?.deadlineAt;
    if (message !== undefined && Object.hasOwn(after.executions, execution))
      again.push(toUnsent(message, execution, Math.max(1, (deadlineAt ?? toldDeadline(message)) - now)));
  }
  let { ledger } = budget;
  for (const [execution, { until }] of Object.entries(ledger.reserved)) {
    if (until !== undefined || Object.hasOwn(after.executions, execution)) continue;
    const closed = before?.executions[execution];
    const left = endOfLeft(execution, closed?.deadlineAt, control.unsent ?? [], now);
    const last = closed?.kind === 'child' ? now + CHILD_MS : Math.max(now, left ?? now);
    ledger = letGoOf(ledger, execution, last + GRACE_MS);
  }
  const unsent = again.length === 0 ? {} : { unsent: [...(control.unsent ?? []), ...again] };
  return { ...control, ...unsent, budget: { ...budget, ledger } };
}

function toUnsent(message: WireMessage, execution: string, deadlineMs: number): TaskEntry {
  const agents = [String(message.properties?.[PROPERTY.agent])];
  return { kind: 'task', execution, agents, message, deadlineMs, cursor: 0, total: 1 };
}

function toldDeadline({ properties = {} }: WireMessage): number {
  return Number(properties[PROPERTY.deadline] ?? 0);
}

function apply(ledger: Ledger, told: Told, used: Funds): Ledger {
  if (told.isMore === true) return spend(ledger, used);
  return told.of === 'sum' ? spendOf(ledger, told.execution, used) : settle(ledger, told, used);
}

/** What has no price cost what was reserved for it. */
function usedOf({ rows }: Told, { microUsd: limit }: Limit, each: Funds): Funds {
  const { total } = toCosts(rows, true);
  const used = toFunds(total);
  const isUnknown = limit !== undefined && total.unpricedCalls > 0;
  return isUnknown ? { ...used, microUsd: Math.max(used.microUsd, each.microUsd) } : used;
}

// What follows from what waits now.

/** The state as it is to be committed: what the machine is told of its budget, and when to look again. */
export function concludeBudget(state: SessionState, actor: ActorAddress, now: number): SessionState {
  const { core, control } = state;
  if (control?.budget === undefined || core === null) return state;
  if (core.status !== 'active') {
    const { budget: rest, entries } = giveBack(control.budget, { actor, incarnation: core.incarnation });
    if (entries.length === 0) return state;
    return { ...state, control: { ...control, budget: rest }, outbox: [...state.outbox, ...entries] };
  }
  const { budget, outbox } = allot(control.budget, state.outbox);
  const draft: Draft = { core, budget, entries: [], actor, now };
  serve(draft);
  const held = (control?.unsent ?? []).filter(
    (work) => work.cursor < work.total && roomFor(budget.ledger, eachOf(work)) < 1,
  );
  tellLow(draft);
  // The next attempt of a task that was sent waits without a deadline as well.
  for (const { kind, execution } of held)
    if (kind === 'task' && deadlineMsOf(core, execution, 0) !== undefined)
      draft.core = withoutDeadline(draft.core, execution);
  if (held.length > 0 || Object.keys(draft.budget.asks ?? {}).length > 0) {
    askAbove(draft, held);
    wakeOrFail(draft, new Set(held.map(({ execution }) => execution)));
  }
  const { since: before, ...rest } = draft.budget;
  const since = held.length === 0 ? {} : { since: before ?? now };
  return {
    ...state,
    core: draft.core,
    outbox: draft.entries.length === 0 ? outbox : [...outbox, ...draft.entries],
    control: { ...control, budget: { ...rest, ...since } },
  };
}

interface Draft {
  core: CoreState;
  budget: BudgetState;
  readonly entries: OutboxEntry[];
  readonly actor: ActorAddress;
  readonly now: number;
}

function serve(draft: Draft): void {
  const { executions } = draft.core;
  const { budget, entries } = serveAsks(draft.budget, draft.actor, (id) => Object.hasOwn(executions, id));
  draft.budget = budget;
  draft.entries.push(...entries);
}

/** A child asks for what it needs itself, and for what its children need. */
function askAbove(draft: Draft, held: readonly UnsentEntry[]): void {
  const { budget, core, actor, now } = draft;
  const isFunded = core.parent !== undefined || budget.draws !== undefined;
  if (!isFunded || (budget.asked?.isRefused === true && drawAgainAt(budget) === undefined)) return;
  const own = held.map((work) => ({
    least: eachOf(work),
    wish: times(eachOf(work), work.total - work.cursor),
  }));
  const needs = [...own, ...Object.values(budget.asks ?? {})];
  const [first] = needs;
  if (first === undefined) return;
  const wish = needs.reduce((sum, need) => plus(sum, need.wish), NO_FUNDS);
  const { incarnation, parent } = core;
  const need = { least: first.least, wish };
  const asked =
    parent === undefined
      ? drawFrom(budget, need, { actor, incarnation }, now)
      : askParent(budget, need, { actor, incarnation, parent: parent.reply, until: now });
  draft.budget = asked.budget;
  draft.entries.push(...asked.entries);
  const againAt = drawAgainAt(draft.budget);
  if (againAt !== undefined) lookBy(draft, againAt);
}

function times({ microUsd, tokens }: Funds, count: number): Funds {
  return { microUsd: microUsd * count, tokens: tokens * count };
}

function tellLow(draft: Draft): void {
  const { budget } = draft;
  if (budget.isLow === true || !isLow(budget.ledger, LOW_SHARE)) return;
  const { limit, spent } = budget.ledger;
  draft.budget = { ...budget, isLow: true };
  const event = { type: 'quorate.budget.low', limit: { ...limit }, spent: { ...spent } };
  setTimer(draft, { kind: 'raise', event, sendId: event.type }, draft.now);
}

/** Something under way may free what is needed; what was let go of at its time. Else nothing ever will. */
function wakeOrFail(draft: Draft, held: ReadonlySet<string>): void {
  const { ledger, onExhausted, asked } = draft.budget;
  const open = Object.values(ledger.reserved);
  const ends = open.flatMap(({ until }) => (until === undefined ? [] : [until]));
  if (ends.length > 0) lookBy(draft, Math.min(...ends));
  if (open.length > 0 || onExhausted === 'wait' || asked?.isOpen === true) return;
  for (const execution of held) {
    const isTold = Object.values(draft.core.timers).some(
      ({ what }) => what.kind === 'deadline' && what.execution === execution,
    );
    if (!isTold) setTimer(draft, { kind: 'deadline', execution, isSpent: true }, draft.now);
  }
}

/** A turn at that time at the latest: it changes nothing, and its commit looks here again. */
function lookBy(draft: Draft, at: number): void {
  const isWatched = Object.values(draft.core.timers).some(
    ({ what, dueAt }) => what.kind === 'deadlines' && dueAt >= draft.now && dueAt <= at,
  );
  if (!isWatched) setTimer(draft, { kind: 'deadlines' }, Math.ceil(at));
}

function setTimer(draft: Draft, what: Timer['what'], dueAt: number): void {
  const { actor, core, budget, now } = draft;
  const timer = `budget#${budget.timers + 1}`;
  const message = ownTimer(actor, core.incarnation, timer, dueAt > now ? dueAt : undefined);
  draft.budget = { ...budget, timers: budget.timers + 1 };
  draft.core = { ...core, timers: { ...core.timers, [timer]: { dueAt, what } } };
  draft.entries.push({ kind: 'message', message, timer });
}

// Shown, and added to.

export function reportBudget({ budget, unsent }: ControlState): BudgetReport | undefined {
  if (budget === undefined) return undefined;
  const { ledger, onExhausted, since, topUps, draws } = budget;
  const waiting = countUnsent(unsent);
  return {
    limit: ledger.limit,
    spent: ledger.spent,
    reserved: reservedOf(ledger),
    onExhausted,
    waiting,
    ...(since === undefined ? {} : { waitingSince: since }),
    topUps,
    ...(draws === undefined ? {} : { tenant: draws.tenant, most: draws.most }),
  };
}

/** Remembered of those who added to it. */
const MAX_TOP_UPS = 20;

export function toppedUp(budget: BudgetState, topUp: TopUp): BudgetState {
  const { isLow: _, ...rest } = budget;
  const topUps = [...budget.topUps, topUp].slice(-MAX_TOP_UPS);
  const { draws, ledger } = budget;
  if (draws === undefined) return { ...rest, ledger: grant(ledger, topUp), topUps };
  // What its tenant limits it draws, and does not get here: only its own bound is raised.
  const isDrawn = (of: keyof Funds): boolean => draws.limit[of] !== undefined;
  const own = {
    microUsd: isDrawn('microUsd') ? 0 : topUp.microUsd,
    tokens: isDrawn('tokens') ? 0 : topUp.tokens,
  };
  const { limit: most } = grant({ ...ledger, limit: draws.most }, topUp);
  return { ...rest, ledger: grant(ledger, own), topUps, draws: { ...draws, most } };
}
