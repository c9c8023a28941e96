// Work that has not left. A fan-out of more than a slice lies in the state as a cursor, and so does what a gate holds back, a single
// task too. Each batch of the session sends one slice at most, after its own inputs: a cancel, a query or an answer never waits behind
// the whole. A message to the own session brings the next batch where nothing else does. What nobody waits for any more is never
// sent. Pure; more.ts commits it and carries it out.
import type { ActorAddress } from '../../../contract/address.ts';
import type { CoreState } from '../../../contract/turn.ts';
import { type GrantedBody, PROPERTY } from '../../../contract/wire.ts';
import type { ControlState, OutboxEntry, SessionState, UnsentEntry } from '../state/session-state.ts';
import { deadlineMsOf, leavingWith, withDeadline, withoutDeadline } from './deadlines.ts';
import { agentsOf, type Gate, granted, isHeld, taken } from './gates.ts';
import { moreToken, ownTimer } from './own-timer.ts';

/** Tasks that are made and sent at a time. */
export const SLICE = 500;

export interface UnsentContext {
  readonly actor: ActorAddress;
  readonly gates?: readonly Gate[] | undefined;
  readonly now: number;
}

/** The state as its turns are to be committed: what cannot leave with them as a whole is unsent, but for a first slice. */
export function afterTurns(state: SessionState, context: UnsentContext): SessionState {
  const opened = state.outbox.flatMap((entry) => toUnsent(entry, state, context));
  if (opened.length === 0 && state.control?.unsent === undefined) return state;
  const outbox = state.outbox.filter((entry) => toUnsent(entry, state, context).length === 0);
  const [unsent, closed] = split(state.core, [...unfinished(state), ...opened]);
  const parked = opened.reduce(undated, withUnsent({ ...state, outbox }, unsent));
  // What has to be done in any case leaves at once when nobody waits for it any more.
  const last = closed.filter(({ cancel }) => cancel === 'ignore');
  const closing = last.length === 0 ? parked : sendLast(parked, last, context);
  return goOn(opened.length === 0 ? closing : release(closing, context), context);
}

/** The state that sends what may leave next; its outbox is to have left. The same one where nothing has changed. */
export function nextSlice(
  state: SessionState,
  grants: readonly GrantedBody[],
  context: UnsentContext,
): SessionState {
  const control = grants.reduce((known, grant) => withGrant(known, grant, context), state.control);
  if (control?.unsent === undefined) return control === state.control ? state : withControl(state, control);
  const { more } = control;
  const arrived = more === undefined ? control : { ...control, more: { ...more, underWay: false } };
  const [unsent] = split(state.core, unfinished({ ...state, control }));
  // A message tells from now on whether the outbox has left.
  const { movedAt: _, ...moved } = state;
  const ready = withUnsent({ ...moved, control: arrived, outbox: [] }, unsent);
  return goOn(release(ready, context), context);
}

/** Before a commit that may have opened a gate: asks, and sends a message to itself if more may leave and none is on its way. */
export function goOn(state: SessionState, context: UnsentContext): SessionState {
  const { gates = [], actor, now } = context;
  const { core } = state;
  if (core === null || state.control === undefined) return state;
  let next = state;
  for (const gate of gates) {
    const { control, outbox } = next;
    if (control === undefined || gate.asks === undefined) continue;
    const rest = gates.filter((other) => other !== gate);
    const others = (work: UnsentEntry): number => granted(rest, control, work, work.total);
    const asked = gate.asks(control, unfinished(next), { actor, incarnation: core.incarnation, now, others });
    next = { ...next, control: asked.control, outbox: [...outbox, ...asked.entries] };
  }
  const { control = {} } = next;
  const mayLeave = unfinished(next).some((work) => granted(gates, control, work, 1) > 0);
  if (!mayLeave || control.more?.underWay === true) return next;
  const n = (control.more?.n ?? 0) + 1;
  // A turn takes the numbers of those before it away.
  const message = ownTimer(actor, core.incarnation, moreToken(`${core.turn}.${n}`));
  const outbox: readonly OutboxEntry[] = [...next.outbox, { kind: 'message', message }];
  return { ...next, outbox, control: { ...control, more: { n, underWay: true } } };
}

/** The state without what its core does not wait for any more. */
export function withoutClosed(state: SessionState): SessionState {
  const { control, core } = state;
  return control?.unsent === undefined ? state : withUnsent(state, split(core, control.unsent)[0]);
}

/** An entry that cannot leave as a whole with the turn that made it. */
function toUnsent(
  entry: OutboxEntry,
  { control, core }: SessionState,
  { gates = [] }: UnsentContext,
): readonly UnsentEntry[] {
  if (entry.kind === 'scatter') {
    const isLarge = entry.total - entry.cursor > SLICE;
    if (!isHeld(gates, control, agentsOf(entry))) return isLarge ? [entry] : [];
    const deadlineMs = deadlineMsOf(core, entry.execution, entry.deadlineAt);
    return [{ ...entry, ...(deadlineMs === undefined ? {} : { deadlineMs }) }];
  }
  if (gates.length === 0 || entry.kind !== 'message' || entry.message.subject !== 'task') return [];
  const { message } = entry;
  const { properties = {} } = message;
  const agents = [String(properties[PROPERTY.agent])];
  if (!isHeld(gates, control, agents)) return [];
  const execution = String(properties[PROPERTY.execution]);
  const deadlineMs = deadlineMsOf(core, execution, Number(properties[PROPERTY.deadline])) ?? 0;
  const cancel = properties[PROPERTY.cancel] === 'ignore' ? { cancel: 'ignore' as const } : {};
  return [{ kind: 'task', execution, agents, message, deadlineMs, cursor: 0, total: 1, ...cancel }];
}

function undated(state: SessionState, { execution, deadlineMs }: UnsentEntry): SessionState {
  const { core } = state;
  return core === null || deadlineMs === undefined
    ? state
    : { ...state, core: withoutDeadline(core, execution) };
}

function unfinished({ control }: Pick<SessionState, 'control'>): readonly UnsentEntry[] {
  return (control?.unsent ?? []).filter(({ cursor, total }) => cursor < total);
}

/** Those that the core waits for, and the others. */
function split(
  core: CoreState | null,
  entries: readonly UnsentEntry[],
): readonly [open: readonly UnsentEntry[], closed: readonly UnsentEntry[]] {
  const isOpen = ({ execution }: UnsentEntry): boolean => Object.hasOwn(core?.executions ?? {}, execution);
  return [entries.filter(isOpen), entries.filter((entry) => !isOpen(entry))];
}

/** A slice at most, of the oldest first, as far as the gates let it. */
function release(state: SessionState, context: UnsentContext): SessionState {
  const { gates = [] } = context;
  let room = SLICE;
  let next = state;
  for (const work of unfinished(state)) {
    const count = granted(gates, next.control ?? {}, work, room);
    if (count === 0) continue;
    room -= count;
    next = leave(next, work, count, context);
  }
  return next;
}

/** Gates that only say when are passed. */
function sendLast(state: SessionState, works: readonly UnsentEntry[], context: UnsentContext): SessionState {
  const gates = (context.gates ?? []).filter(({ ordersOnly }) => ordersOnly !== true);
  let next = withUnsent(state, [...(state.control?.unsent ?? []), ...works]);
  for (const work of works) {
    const count = granted(gates, next.control ?? {}, work, work.total);
    if (count > 0) next = leave(next, work, count, context);
  }
  return next;
}

/** Its next tasks are in the outbox; a fan-out stays until these have left. */
function leave(state: SessionState, work: UnsentEntry, count: number, context: UnsentContext): SessionState {
  const { gates = [], now } = context;
  const { execution, deadlineMs, cursor } = work;
  const to = cursor + count;
  const control = taken(gates, state.control ?? {}, work, count);
  const unsent = (control.unsent ?? []).flatMap((other): readonly UnsentEntry[] => {
    if (other !== work) return [other];
    return other.kind === 'task' ? [] : [{ ...other, cursor: to }];
  });
  // Of one fan-out several may wait: its branches that have not left, and attempts at others.
  const isLast = unsent.every((other) => other.execution !== execution || other.cursor >= other.total);
  const dated = deadlineMs === undefined ? {} : { deadlineAt: now + deadlineMs };
  const entry: OutboxEntry =
    work.kind === 'task'
      ? { kind: 'message', message: leavingWith(now + work.deadlineMs, work.message) }
      : { kind: 'slice', execution, from: cursor, to, ...dated };
  const left = withUnsent({ ...state, control, outbox: [...state.outbox, entry] }, unsent);
  if (left.core === null || deadlineMs === undefined || !isLast) return left;
  // Of a gather whose policy ends after a time, it has run all the while.
  if (left.core.executions[execution]?.deadlineAt !== undefined) return left;
  const { core, entries } = withDeadline(left.core, execution, now + deadlineMs, context);
  return { ...left, core, outbox: [...left.outbox, ...entries] };
}

function withGrant(
  control: ControlState | undefined,
  grant: GrantedBody,
  { gates = [] }: UnsentContext,
): ControlState | undefined {
  for (const gate of gates) {
    const next = control === undefined ? undefined : gate.granted?.(control, grant);
    if (next !== undefined) return next;
  }
  return control;
}

/** Without a trace where nothing is unsent: such a state is as it was before there was (docs/decisions/0102). */
function withUnsent(state: SessionState, unsent: readonly UnsentEntry[]): SessionState {
  const { unsent: _, more: __, ...kept } = state.control ?? {};
  if (unsent.length > 0) return { ...state, control: { ...state.control, unsent } };
  return withControl(state, Object.keys(kept).length === 0 ? undefined : kept);
}

function withControl(state: SessionState, control: ControlState | undefined): SessionState {
  const { control: _, ...others } = state;
  return control === undefined ? others : { ...others, control };
}
