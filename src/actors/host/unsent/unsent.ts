// Work that has not left. A fan-out of more than a slice lies in the state as a cursor, and each batch of the session sends one
// slice at most, after its own inputs: a cancel, a query or an answer never waits behind the whole. A message to the own session
// brings the next batch where nothing else does. What nobody waits for any more is never sent. Pure; more.ts commits it and
// carries it out.
import { type ActorAddress, formatAddress } from '../../../contract/address.ts';
import { actorQueue } from '../../../contract/entities.ts';
import { PROPERTY, WIRE_FORMAT, type WireMessage } from '../../../contract/wire.ts';
import { hashId, inLife } from '../../protocol/ids.ts';
import type { OutboxEntry, ScatterEntry, SessionState } from '../state/session-state.ts';

/** Tasks that are made and sent at a time. */
export const SLICE = 500;

/** The state as its turns are to be committed: what is too large to leave with them is unsent, but for a first slice. */
export function afterTurns(state: SessionState, actor: ActorAddress): SessionState {
  const large = state.outbox.filter(isLarge);
  if (large.length === 0 && state.control?.unsent === undefined) return state;
  const outbox = state.outbox.filter((entry) => !isLarge(entry));
  const [unsent, closed] = split(state, [...unfinished(state), ...large]);
  // What has to be done in any case leaves at once when nobody waits for it any more.
  const last = closed.flatMap((entry) => (entry.cancel === 'ignore' ? rest(entry) : []));
  // Its slice needs what it is about, until it has left.
  const next = { ...state, outbox: [...outbox, ...last.map(({ slice }) => slice)] };
  const parked = withUnsent(next, [...unsent, ...last.map(({ entry }) => entry)]);
  return goOn(large.length === 0 ? parked : release(parked), actor);
}

/** The state that sends the next slice; the same one where nothing may leave. Its outbox is to have left. */
export function nextSlice(state: SessionState, actor: ActorAddress): SessionState {
  const { control } = state;
  if (control?.unsent === undefined) return state;
  const arrived =
    control.more === undefined ? control : { ...control, more: { ...control.more, underWay: false } };
  const [unsent] = split(state, unfinished(state));
  // A message tells from now on whether the outbox has left.
  const { movedAt: _, ...moved } = state;
  return goOn(release(withUnsent({ ...moved, control: arrived, outbox: [] }, unsent)), actor);
}

/** The state without what its core does not wait for any more. */
export function withoutClosed(state: SessionState): SessionState {
  return state.control?.unsent === undefined
    ? state
    : withUnsent(state, split(state, state.control.unsent)[0]);
}

function isLarge(entry: OutboxEntry): entry is ScatterEntry {
  return entry.kind === 'scatter' && entry.total - entry.cursor > SLICE;
}

function unfinished({ control }: SessionState): readonly ScatterEntry[] {
  return (control?.unsent ?? []).filter(({ cursor, total }) => cursor < total);
}

/** Those that the core waits for, and the others. */
function split(
  { core }: SessionState,
  entries: readonly ScatterEntry[],
): readonly [open: readonly ScatterEntry[], closed: readonly ScatterEntry[]] {
  const isOpen = ({ execution }: ScatterEntry): boolean => Object.hasOwn(core?.executions ?? {}, execution);
  return [entries.filter(isOpen), entries.filter((entry) => !isOpen(entry))];
}

function rest(entry: ScatterEntry): { readonly entry: ScatterEntry; readonly slice: OutboxEntry }[] {
  return [leaving(entry, entry.total - entry.cursor)];
}

function leaving(
  entry: ScatterEntry,
  count: number,
): { readonly entry: ScatterEntry; readonly slice: OutboxEntry } {
  const { execution, cursor: from } = entry;
  const to = from + count;
  return { entry: { ...entry, cursor: to }, slice: { kind: 'slice', execution, from, to } };
}

/** A slice at most, of the oldest first. */
function release(state: SessionState): SessionState {
  let room = SLICE;
  const slices: OutboxEntry[] = [];
  const unsent = (state.control?.unsent ?? []).map((entry) => {
    const count = Math.min(room, entry.total - entry.cursor);
    if (count === 0) return entry;
    room -= count;
    const left = leaving(entry, count);
    slices.push(left.slice);
    return left.entry;
  });
  return withUnsent({ ...state, outbox: [...state.outbox, ...slices] }, unsent);
}

/** With a message to itself, if more may leave and none is on its way. */
function goOn(state: SessionState, actor: ActorAddress): SessionState {
  const { control, core } = state;
  if (core === null || unfinished(state).length === 0 || control?.more?.underWay === true) return state;
  const n = (control?.more?.n ?? 0) + 1;
  const message = moreMessage(actor, core.incarnation, `${core.turn}.${n}`);
  return {
    ...state,
    outbox: [...state.outbox, { kind: 'message', message }],
    control: { ...control, more: { n, underWay: true } },
  };
}

/** Without a trace where nothing is unsent: such a state is as it was before there was (docs/decisions/0102). */
function withUnsent(state: SessionState, unsent: readonly ScatterEntry[]): SessionState {
  const { control, ...others } = state;
  if (unsent.length > 0) return { ...state, control: { ...control, unsent } };
  const { unsent: _, more: __, ...kept } = control ?? {};
  return Object.keys(kept).length === 0 ? others : { ...others, control: kept };
}

const MORE = 'more#';

/** `place` is never the same twice in a life: a turn takes the numbers of those before it away. */
function moreMessage(actor: ActorAddress, incarnation: string, place: string): WireMessage {
  const entity = actorQueue(actor.type);
  const token = `${MORE}${place}`;
  return {
    entity,
    sessionId: actor.id,
    subject: 'timer',
    messageId: hashId(entity, formatAddress(actor), incarnation, token),
    properties: { [PROPERTY.format]: WIRE_FORMAT },
    body: { kind: 'timer', token: inLife(token, incarnation) },
  };
}

export function isMore(subject: string, body: unknown): boolean {
  const { token } = (body ?? {}) as { readonly token?: unknown };
  return subject === 'timer' && typeof token === 'string' && token.startsWith(MORE);
}
