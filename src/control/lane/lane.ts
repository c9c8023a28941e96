// The lane of an agent, as a pure reducer: in what order waiting tasks may leave their askers. The agent's queue holds half a second of
// work, of each tenant at most twice what the agent runs at once; the rest waits at its askers, who are granted by weight of tenant,
// within one by priority, within that by age. Processes that run the agent say what they began, which makes room.
import type { ControlAnswer, Reduced } from '../../contract/control.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import type { EventJson } from '../../contract/json.ts';
import { type Began, readBegan, readWant, type Want } from './protocol.ts';
import { type Queue, queued, withBegun, withGiven, withoutGiven, withoutOld } from './queue.ts';
import { NO_PASSES, nextOf, type Passes, served, withoutRested } from './stride.ts';

/** Of one tenant in the queue, for each slot. */
const TENANT_PER_SLOT = 2;
/**
 * Of all, beside a task for each slot that is free: so much that a slot does not wait for a grant, and so little that who comes next is
 * soon served. A task for every other slot at least.
 */
const QUEUE_MS = 500;
/** Four high tasks for each normal one, and four normal ones for each low one. */
const SHARES = { high: 16, normal: 4, low: 1 } as const;
/** Granted so long ago and not begun although a process has nothing to do: it is lost, or its asker is. */
const LOST_AFTER_MS = 2_000;
/** The same where all are busy. */
const OLD_MS = 600_000;
/** A process that runs something says so every few seconds; one that rests says nothing. */
const [GONE_MS, FORGOTTEN_MS] = [30_000, 600_000];
/** An asker repeats what it wants every minute. */
const SILENT_MS = 300_000;
const MOST_ASKERS = 2_048;
/** How often it looks who is gone. */
const LOOK_MS = 1_000;
const MOST_PROCESSES = 500;
/** A clock that is a little behind is that of another host; one that is far behind was set, and is followed. */
const CLOCKS_APART_MS = 5_000;
const RATE_WINDOW_MS = 1_000;

interface Asker {
  readonly seq: number;
  readonly tenant: string;
  readonly priority: Want['priority'];
  readonly weight: number;
  readonly demand: number;
  readonly granted: number;
  readonly since: number;
  readonly heardAt: number;
}

interface Process {
  readonly seq: number;
  readonly heardAt: number;
  readonly concurrency: number;
  readonly running: number;
}

export interface LaneState {
  /** The lane's own time: it adds up what has passed, so it never goes back. */
  readonly time: number;
  readonly clock: number;
  /** By where they are answered. Only those that want more than they have. */
  readonly askers: Readonly<Record<string, Asker>>;
  readonly processes: Readonly<Record<string, Process>>;
  /** As an asker knows it, until a process has said something. */
  readonly concurrency: number;
  /** Granted and not begun, of each tenant. */
  readonly queues: Readonly<Record<string, Queue>>;
  readonly passes: Passes;
  readonly priorities: Readonly<Record<string, Passes>>;
  /** Tasks begun in a second, and the count that the next number is made of. */
  readonly rate: number;
  readonly counted: { readonly from: number; readonly begun: number };
}

export function reduceLane(known: LaneState | undefined, event: EventJson, now: number): Reduced<LaneState> {
  const state = passed(known ?? emptyLane(now), now);
  const want = readWant(event);
  if (want !== undefined) return wanted(state, want);
  const began = readBegan(event);
  if (began !== undefined) return grant(begun(state, began), []);
  return grant(state, []);
}

function emptyLane(now: number): LaneState {
  return {
    time: 0,
    clock: now,
    askers: {},
    processes: {},
    concurrency: 1,
    queues: {},
    passes: NO_PASSES,
    priorities: {},
    rate: 0,
    counted: { from: 0, begun: 0 },
  };
}

/** Who is gone is forgotten, and what was granted to nobody is free again. */
function passed(state: LaneState, now: number): LaneState {
  const ahead = now - state.clock;
  const time = state.time + Math.max(0, ahead);
  const clock = ahead > 0 || ahead < -CLOCKS_APART_MS ? now : state.clock;
  const processes = kept(
    state.processes,
    ({ heardAt, running }) => time - heardAt <= (running > 0 ? GONE_MS : FORGOTTEN_MS),
  );
  const looks = Math.floor(time / LOOK_MS) !== Math.floor(state.time / LOOK_MS);
  const askers = looks ? kept(state.askers, ({ heardAt }) => time - heardAt <= SILENT_MS) : state.askers;
  const rests = Object.values(processes).some(({ running, concurrency }) => running < concurrency);
  const oldest = time - (rests ? LOST_AFTER_MS : OLD_MS);
  return { ...state, time, clock, processes, askers, queues: withoutOld(state.queues, oldest) };
}

function kept<T>(all: Readonly<Record<string, T>>, keeps: (one: T) => boolean): Readonly<Record<string, T>> {
  const entries = Object.entries(all);
  const left = entries.filter(([, one]) => keeps(one));
  return left.length === entries.length ? all : Object.fromEntries(left);
}

function wanted(state: LaneState, want: Want): Reduced<LaneState> {
  const { to, seq, demand } = want;
  const name = nameOf(to);
  const before = state.askers[name];
  if (before !== undefined && seq <= before.seq) return grant(state, [answerTo(name, before)]);
  const known = before?.granted ?? want.granted;
  const granted = Math.min(known, demand);
  // What it was granted and does not need any more.
  const queues = withoutGiven(state.queues, want.tenant, known - granted);
  const asker = { ...want, granted, heardAt: state.time };
  const isFull = before === undefined && Object.keys(state.askers).length >= MOST_ASKERS;
  const waits = demand > granted && !isFull;
  const askers = waits
    ? { ...state.askers, [name]: toAsker(asker) }
    : before === undefined
      ? state.askers
      : without(state.askers, name);
  const next = { ...state, askers, queues, concurrency: Math.max(1, want.concurrency) };
  // It knows what it had, unless that was never told.
  return grant(next, known > want.granted && demand > granted ? [answerTo(name, asker)] : []);
}

function toAsker({
  seq,
  tenant,
  priority,
  weight,
  demand,
  granted,
  since,
  heardAt,
}: Omit<Want, 'type' | 'to'> & Asker): Asker {
  return { seq, tenant, priority, weight, demand, granted, since, heardAt };
}

function without(askers: LaneState['askers'], name: string): LaneState['askers'] {
  const { [name]: _, ...others } = askers;
  return others;
}

/** There may be thousands: where one is answered stands in its name only. */
function nameOf({ entity, sessionId, correlationId }: ReplyAddress): string {
  return [entity, correlationId, sessionId].join(SEPARATOR);
}

function answerTo(name: string, { seq, granted }: Pick<Asker, 'seq' | 'granted'>): ControlAnswer {
  const [entity = '', correlationId = '', ...sessionId] = name.split(SEPARATOR);
  const to = { entity, sessionId: sessionId.join(SEPARATOR), correlationId };
  return { to, value: { seq, granted } };
}

/** In no name of a queue, and in no id of an execution. */
const SEPARATOR = ' ';

function begun(state: LaneState, { process, seq, tenants, concurrency, running }: Began): LaneState {
  const before = state.processes[process];
  if (before !== undefined && seq <= before.seq) return state;
  const { time } = state;
  const { [process]: _, ...others } = state.processes;
  const isNew = before === undefined && Object.keys(others).length >= MOST_PROCESSES;
  const processes =
    concurrency === 0 || isNew
      ? others
      : { ...others, [process]: { seq, heardAt: time, concurrency, running } };
  const queues = Object.entries(tenants).reduce(
    (left, [tenant, count]) => withBegun(left, tenant, count),
    state.queues,
  );
  const count = Object.values(tenants).reduce((sum, one) => sum + one, state.counted.begun);
  const elapsed = time - state.counted.from;
  if (elapsed < RATE_WINDOW_MS)
    return { ...state, processes, queues, counted: { ...state.counted, begun: count } };
  return { ...state, processes, queues, rate: (count * 1_000) / elapsed, counted: { from: time, begun: 0 } };
}

/** As many as there is room for, each to who is next. */
function grant(given: LaneState, first: readonly ControlAnswer[]): Reduced<LaneState> {
  const { slots, free } = slotsOf(given);
  const most = TENANT_PER_SLOT * slots;
  const ahead = Math.max(Math.ceil(slots / 2), Math.ceil((given.rate * QUEUE_MS) / 1_000));
  let room = free + ahead - queued(given.queues);
  if (room <= 0 && Object.keys(given.askers).length > 0)
    return { state: given, answers: first, ...wakeOf(given) };
  const lines = linesOf(given.askers);
  let { queues, passes, priorities } = given;
  const askers: Record<string, Asker> = { ...given.askers };
  const answered = new Set<string>();
  const roomOf = new Map([...lines.keys()].map((tenant) => [tenant, most - queued(queues, tenant)]));
  while (room > 0) {
    const tenant = nextOf(
      passes,
      [...lines.keys()].filter((name) => (roomOf.get(name) ?? 0) > 0),
    );
    const line = tenant === undefined ? undefined : lines.get(tenant);
    if (tenant === undefined || line === undefined) break;
    const classes = priorities[tenant] ?? NO_PASSES;
    const priority = nextOf(classes, [...line.keys()]) as Want['priority'];
    const waiting = line.get(priority) ?? [];
    const name = waiting[0];
    const asker = name === undefined ? undefined : askers[name];
    if (name === undefined || asker === undefined) break;
    const next = { ...asker, granted: asker.granted + 1 };
    askers[name] = next;
    answered.add(name);
    if (next.granted >= next.demand) waiting.shift();
    if (waiting.length === 0) line.delete(priority);
    if (line.size === 0) lines.delete(tenant);
    passes = served(passes, tenant, asker.weight);
    priorities = { ...priorities, [tenant]: served(classes, priority, SHARES[priority]) };
    queues = withGiven(queues, tenant, given.time);
    roomOf.set(tenant, (roomOf.get(tenant) ?? 0) - 1);
    room -= 1;
  }
  const answers = [...answered].flatMap((name) => {
    const asker = askers[name];
    if (asker === undefined) return [];
    if (asker.granted >= asker.demand) delete askers[name];
    return [answerTo(name, asker)];
  });
  const state: LaneState = { ...given, askers, queues, ...rested(lines, passes, priorities) };
  return { state, answers: [...first, ...answers], ...wakeOf(state) };
}

/** Until a process has said something there is one, and it has nothing to do. */
function slotsOf({ processes, concurrency: known }: LaneState): {
  readonly slots: number;
  readonly free: number;
} {
  const all = Object.values(processes);
  if (all.length === 0) return { slots: known, free: known };
  return {
    slots: all.reduce((sum, { concurrency }) => sum + concurrency, 0),
    free: all.reduce((sum, { concurrency, running }) => sum + Math.max(0, concurrency - running), 0),
  };
}

type Lines = Map<string, Map<Want['priority'], string[]>>;

/** Who waits, by tenant and priority, the oldest first. */
function linesOf(askers: LaneState['askers']): Lines {
  const lines: Lines = new Map();
  const byAge = Object.entries(askers).toSorted(([, a], [, b]) => a.since - b.since);
  for (const [name, { tenant, priority }] of byAge) {
    const line = lines.get(tenant) ?? new Map<Want['priority'], string[]>();
    lines.set(tenant, line);
    const waiting = line.get(priority) ?? [];
    waiting.push(name);
    line.set(priority, waiting);
  }
  return lines;
}

/** Nothing is remembered of tenants that want nothing and are not ahead of others. */
function rested(
  lines: Lines,
  passes: Passes,
  priorities: LaneState['priorities'],
): Pick<LaneState, 'passes' | 'priorities'> {
  if (lines.size === 0) return { passes: NO_PASSES, priorities: {} };
  return {
    passes: withoutRested(passes, (tenant) => !lines.has(tenant)),
    priorities: Object.fromEntries(Object.entries(priorities).filter(([tenant]) => lines.has(tenant))),
  };
}

/** While somebody waits, it looks whether what was granted is lost: nobody else would say so. */
function wakeOf({ askers, clock }: LaneState): { readonly wakeAt?: number } {
  if (Object.keys(askers).length === 0) return {};
  // In whole steps, so that it is not set anew with each event.
  return { wakeAt: (Math.floor(clock / LOST_AFTER_MS) + 2) * LOST_AFTER_MS };
}
