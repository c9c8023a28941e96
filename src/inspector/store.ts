// What a viewer who joins late must still learn: each actor's definition and latest snapshot, and some recent events.
// Holds on to the objects it is given and serializes nothing, so that watching costs little while nobody looks.
import { type ActorAddress, formatAddress } from '../contract/address.ts';
import type { EventJson, Json } from '../contract/json.ts';
import type { InspectedSnapshot, InspectionSink } from '../contract/ports.ts';
import type { Costs } from '../contract/usage.ts';

/** Ended actors kept; the one that ended first is forgotten first. */
export const MAX_ENDED = 1_000;
/** Actors in all; beyond it the one unchanged for longest is forgotten, and comes back with its next step. */
export const MAX_ACTORS = 10_000;
/** Recent events over all actors, and of one. */
export const MAX_EVENTS = 5_000;
export const MAX_EVENTS_PER_ACTOR = 50;
/** A larger event is kept as its type alone, so that MAX_EVENTS bounds memory too. */
const MAX_EVENT_WEIGHT = 4_096;

export interface RecentEvent {
  readonly at: number;
  readonly event: EventJson;
  /** State value afterwards. */
  readonly value: Json;
}

export interface ActorRecord {
  readonly sessionId: string;
  readonly type: string;
  readonly rootId: string;
  readonly parentId: string | undefined;
  readonly definition: Json;
  readonly createdAt: number;
  readonly changedAt: number;
  readonly turn: number;
  readonly snapshot: InspectedSnapshot;
  /** What it used, with all that it started; undefined until something of it is known. */
  readonly costs: Costs | undefined;
  readonly events: readonly RecentEvent[];
}

type Mutable = { -readonly [K in keyof ActorRecord]: ActorRecord[K] } & { events: RecentEvent[] };

export type Change =
  | { readonly kind: 'actor'; readonly record: ActorRecord }
  | { readonly kind: 'step'; readonly record: ActorRecord; readonly events: readonly RecentEvent[] }
  | { readonly kind: 'forgotten'; readonly sessionId: string };

type Actor = Parameters<InspectionSink['actor']>[0];
type Step = Parameters<InspectionSink['step']>[0];

export interface ActorStore extends InspectionSink {
  get(sessionId: string): ActorRecord | undefined;
  /** Oldest change first. */
  ids(): Iterable<string>;
  definitionOf(type: string): Json | undefined;
}

export function createActorStore(
  onChange: (change: Change) => void,
  now: () => number = Date.now,
): ActorStore {
  /** In the order of their last change: a record moves to the end whenever it changes. */
  const records = new Map<string, Mutable>();
  const ended = new Set<string>();
  const definitions = new Map<string, Json>();
  let history: Mutable[] = [];

  const forget = (sessionId: string): void => {
    records.delete(sessionId);
    ended.delete(sessionId);
    history = history.filter((record) => record.sessionId !== sessionId);
    onChange({ kind: 'forgotten', sessionId });
  };
  const touch = (record: Mutable): void => {
    records.delete(record.sessionId);
    records.set(record.sessionId, record);
    record.rootId = rootOf(record);
    if (record.snapshot.status === 'active') ended.delete(record.sessionId);
    else ended.add(record.sessionId);
    if (ended.size > MAX_ENDED) forgetFirst(ended);
    if (records.size > MAX_ACTORS) forgetFirst(records.keys());
  };
  const forgetFirst = (ids: Iterable<string>): void => {
    for (const id of ids) return forget(id);
  };
  const remember = (record: Mutable, events: readonly RecentEvent[]): void => {
    for (const event of events.slice(-MAX_EVENTS_PER_ACTOR)) {
      record.events.push(event);
      history.push(record);
      if (record.events.length > MAX_EVENTS_PER_ACTOR) {
        record.events.shift();
        history.splice(history.indexOf(record), 1);
      }
      if (history.length > MAX_EVENTS) history.shift()?.events.shift();
    }
  };
  /** A parent on another host may be told later or never: its id is the root then. */
  const rootOf = ({ sessionId, parentId }: ActorRecord): string => {
    if (parentId === undefined) return sessionId;
    const parent = records.get(parentId);
    return parent === undefined || parent.sessionId === sessionId ? parentId : parent.rootId;
  };
  const create = (
    address: ActorAddress,
    seen: Pick<Actor, 'parent' | 'definition' | 'snapshot'>,
  ): Mutable => {
    const sessionId = formatAddress(address);
    const parentId = seen.parent === undefined ? undefined : formatAddress(seen.parent);
    const { definition, snapshot } = seen;
    const times = { createdAt: now(), changedAt: now() };
    return {
      sessionId,
      type: address.type,
      rootId: sessionId,
      parentId,
      definition,
      ...times,
      turn: 0,
      snapshot,
      costs: undefined,
      events: [],
    };
  };

  return {
    actor(actor) {
      definitions.set(actor.address.type, actor.definition);
      const record = create(actor.address, actor);
      const known = records.get(record.sessionId);
      if (known === undefined) {
        touch(record);
        onChange({ kind: 'actor', record });
        return;
      }
      // Told again before a further step. Worth a frame only if it runs by a newer definition now.
      const same = known.parentId === record.parentId && sameJson(known.definition, record.definition);
      const { parentId, definition, snapshot, changedAt } = record;
      Object.assign(known, { parentId, definition, snapshot, changedAt });
      touch(known);
      if (!same) onChange({ kind: 'actor', record: known });
    },
    step(step) {
      const record = records.get(formatAddress(step.address)) ?? recreate(step);
      if (record === undefined) return;
      const at = now();
      record.snapshot = step.snapshot;
      record.turn = step.turn;
      record.costs = step.costs;
      record.changedAt = at;
      const events = step.events.map(({ event, value }) => ({ at, event, value }));
      remember(record, events.map(lighten));
      touch(record);
      onChange({ kind: 'step', record, events });
    },
    get: (sessionId) => records.get(sessionId),
    ids: () => records.keys(),
    definitionOf: (type) => definitions.get(type),
  };

  /** Forgotten because of MAX_ACTORS, and alive after all. */
  function recreate({ address, snapshot }: Step): Mutable | undefined {
    const definition = definitions.get(address.type);
    if (definition === undefined) return undefined;
    const record = create(address, { definition, snapshot });
    onChange({ kind: 'actor', record });
    return record;
  }
}

function sameJson(one: Json, other: Json): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function lighten(recent: RecentEvent): RecentEvent {
  if (weightOf(recent.event, MAX_EVENT_WEIGHT) < MAX_EVENT_WEIGHT) return recent;
  return { ...recent, event: { type: recent.event.type, '…': 'too large to keep' } };
}

/** About the characters of its JSON; stops counting at `limit`. */
function weightOf(value: Json, limit: number): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let weight = 2;
  for (const [key, item] of Object.entries(value)) {
    weight += key.length + weightOf(item, limit - weight);
    if (weight >= limit) return weight;
  }
  return weight;
}
