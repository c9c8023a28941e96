// Books what was used (docs/control.md): sums by agent and model, in the commit of the batch that brought the messages, also of an
// actor that has ended. No turn of the machine is made of it. An actor with a parent tells it what this batch added, in one
// message, so that all sums come up to the root of the run.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import type { Spent } from '../../../contract/scatter.ts';
import type { CoreState, GatherState } from '../../../contract/turn.ts';
import { addRows, asWasted, type CostRow, isUsed, toCosts } from '../../../contract/usage.ts';
import { hashId } from '../../protocol/ids.ts';
import { type Told, toUsage } from '../../protocol/usage.ts';
import { settleBudget } from '../budget/budget.ts';
import { reservedOf } from '../budget/ledger.ts';
import { placeOf, unbilled } from '../budget/unbilled.ts';
import type { Noted } from '../sort/inbox.ts';
import type { BookedCosts, ControlState, OutboxEntry } from '../state/session-state.ts';
import type { Judged } from './verdicts.ts';

interface BookContext {
  readonly actor: ActorAddress;
  readonly epoch: string;
  readonly now: number;
}

export interface Books {
  readonly control: ControlState;
  /** For the parent. */
  readonly entries: readonly OutboxEntry[];
}

/** What a commit does to work that is still to come: `letGoUntil` is when the last of what it let go of can still cost something. */
export interface Turned {
  readonly before: CoreState | null;
  readonly after: CoreState;
  readonly judged: readonly Judged[];
  readonly letGoUntil: number;
  /** What it let go of before it left. */
  readonly saved: readonly CostRow[];
}

/** Undefined where there is nothing to book. */
export function book(
  given: ControlState | undefined,
  usages: readonly Noted[],
  { before, after, judged, letGoUntil, saved }: Turned,
  { now, ...context }: BookContext,
): Books | undefined {
  const billed = usages.map(({ told }) => told);
  const inputs = judged.map(({ input }) => input);
  const reports = [...billed, ...unbilled(given, billed, inputs, before)];
  const control = given && settleBudget(given, reports, { before, after, now });
  const known = control?.costs;
  if (saved.length === 0 && reports.every(({ rows }) => rows.length === 0)) {
    const isOver = known === undefined || letGoUntil <= known.until;
    const costs = isOver ? known : { ...known, until: letGoUntil };
    const isSame = control === given && costs === known;
    const entries = control === undefined ? [] : toFunder(after, { before, control, reports, now }, context);
    if (control === undefined || (isSame && entries.length === 0)) return undefined;
    return { control: { ...control, ...(costs === undefined ? {} : { costs }) }, entries };
  }
  const taken = answersTaken(before, after, judged);
  let added = saved;
  let until = Math.max(known?.until ?? 0, letGoUntil);
  for (const told of reports) {
    // A child's, or of work that was not begun: no reply comes with it.
    const isTaken = told.of !== 'sum' && taken(told);
    // Nobody waits for it any more: others of the same asking may come as well.
    const isLate = !isTaken && !Object.hasOwn(after.executions, told.execution);
    if (told.of === 'sum' || isLate) until = Math.max(until, told.until);
    added = addRows(added, told.of === 'sum' || isTaken ? told.rows : asWasted(told.rows));
  }
  const batches = (known?.batches ?? 0) + 1;
  const costs: BookedCosts = { rows: addRows(known?.rows ?? [], added), until, batches };
  const place = { batches, ...heldBy(after, control, until) };
  return { control: { ...control, costs }, entries: toParent(after, added, place, context) };
}

/** The core with what branches of its open gathers used: their policies may go by it. It is booked in the same commit. */
export function withSpent<C extends CoreState | null>(core: C, usages: readonly Noted[]): C {
  if (core === null || usages.length === 0) return core;
  let { executions } = core;
  for (const { told } of usages) {
    const execution = executions[told.execution];
    if (execution?.kind !== 'scatter') continue;
    if (saysOnlySaved(told)) continue;
    const gather = { ...execution.gather, spent: sumOf(execution.gather, told.rows) };
    executions = { ...executions, [told.execution]: { ...execution, gather } };
  }
  return executions === core.executions ? core : { ...core, executions };
}

function saysOnlySaved({ rows }: Told): boolean {
  return rows.length > 0 && rows.every((row) => row.saved !== undefined && !isUsed(row));
}

function sumOf({ spent = { microUsd: 0, tokens: 0 } }: GatherState, rows: readonly CostRow[]): Spent {
  const { microUsd, inputTokens, outputTokens } = toCosts(rows, false).total;
  return { microUsd: spent.microUsd + microUsd, tokens: spent.tokens + inputTokens + outputTokens };
}

/** What a child under a budget holds still, and until when, for its parent. */
function heldBy(
  { status }: CoreState,
  control: ControlState | undefined,
  until: number,
): Pick<Told, 'held' | 'isOver' | 'until'> {
  const ledger = control?.budget?.ledger;
  if (ledger === undefined) return { until };
  const ends = Object.values(ledger.reserved).flatMap((one) => one.until ?? []);
  return {
    until: Math.max(until, ...ends),
    held: reservedOf(ledger),
    ...(status === 'active' ? {} : { isOver: true as const }),
  };
}

interface Funded {
  readonly before: CoreState | null;
  readonly control: ControlState;
  readonly reports: readonly Told[];
  readonly now: number;
}

/** A child under a budget that ends, or has ended and hears of an attempt: what it does not use has come back. */
function toFunder(
  after: CoreState,
  { before, control, reports, now }: Funded,
  context: Omit<BookContext, 'now'>,
): readonly OutboxEntry[] {
  if (control.budget === undefined || after.status === 'active') return [];
  if (before?.status !== 'active' && reports.length === 0) return [];
  const place = { batches: after.turn, ...heldBy(after, control, now) };
  return toParent(after, [], place, { ...context, epoch: `${context.epoch}/${reports.length}/${now}` });
}

function toParent(
  { parent, incarnation }: CoreState,
  rows: readonly CostRow[],
  { batches, ...held }: Pick<BookedCosts, 'batches'> & Pick<Told, 'held' | 'isOver' | 'until'>,
  { actor, epoch }: Omit<BookContext, 'now'>,
): readonly OutboxEntry[] {
  if (parent === undefined) return [];
  const { entity, sessionId, correlationId: execution } = parent.reply;
  const messageId = hashId('costs', formatAddress(actor), incarnation, epoch, batches);
  const message = toUsage({ entity, sessionId, messageId }, { execution, of: 'sum', rows, ...held });
  return [{ kind: 'message', message }];
}

/**
 * Whether an answer was taken: its reply comes in the same batch, and what the core said of it is known. Where it comes later,
 * whether somebody still waits for it.
 */
function answersTaken(
  before: CoreState | null,
  after: CoreState,
  judged: readonly Judged[],
): (told: Told) => boolean {
  const verdicts = new Map<string, boolean[]>();
  for (const { input, verdict } of judged) {
    if (input.kind !== 'reply') continue;
    const place = placeOf(input);
    verdicts.set(place, [...(verdicts.get(place) ?? []), verdict.kind === 'applied']);
  }
  return (told) => {
    if (told.of === 'nothing') return false;
    // A bill leaves in front of its reply, so the first belongs to the first.
    const taken = verdicts.get(placeOf(told))?.shift();
    if (taken !== undefined) return taken;
    const execution = after.executions[told.execution] ?? before?.executions[told.execution];
    if (execution === undefined) return false;
    return execution.kind !== 'scatter' || !hasAnswered(execution.gather, told.branch ?? 0);
  };
}

function hasAnswered({ answered }: GatherState, branch: number): boolean {
  return ((atob(answered).charCodeAt(branch >> 3) || 0) & (1 << (branch & 7))) !== 0;
}
