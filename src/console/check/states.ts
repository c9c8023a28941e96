// What becomes of actors in one state when their machine is replaced by another one: read from the two definitions, without an actor. It is
// what a host will do, as far as definitions tell it: guards, functions and contexts are not looked at.
import type { Json, JsonObject } from '../../contract/json.ts';

export interface StateChange {
  /** The state is not there any more: an actor in it cannot move (STATE_INCOMPATIBLE). */
  readonly isGone: boolean;
  /** Work of the old state that the new one does not know: moving would lose it (STATE_INCOMPATIBLE). */
  readonly lostWork: readonly string[];
  /** Delays that the old state has set, and the new one has not: those that run keep their time, and lead nowhere. */
  readonly lostTimers: readonly string[];
  /** Delays and work of the new state that an actor already in it does not begin. */
  readonly notBegun: readonly string[];
  /** Events that it does not take any more. */
  readonly lostEvents: readonly string[];
}

export const NO_CHANGE: StateChange = {
  isGone: false,
  lostWork: [],
  lostTimers: [],
  notBegun: [],
  lostEvents: [],
};

export function isChanged({ isGone, lostWork, lostTimers, notBegun, lostEvents }: StateChange): boolean {
  return isGone || lostWork.length + lostTimers.length + notBegun.length + lostEvents.length > 0;
}

const MOST_DEPTH = 64;

/** `before` undefined: it was never told, and only whether the state is there can be said. */
export function compareState(before: Json | undefined, after: Json, value: Json): StateChange {
  const next = nodesOf(after, value);
  if (next === undefined) return { ...NO_CHANGE, isGone: true };
  const last = before === undefined ? undefined : nodesOf(before, value);
  if (last === undefined) return NO_CHANGE;
  const [was, is] = [summaryOf(last), summaryOf(next)];
  const without = (a: ReadonlySet<string>, b: ReadonlySet<string>): string[] =>
    [...a].filter((one) => !b.has(one)).toSorted();
  return {
    isGone: false,
    lostWork: without(was.work, is.work),
    lostTimers: without(was.timers, is.timers),
    notBegun: [...without(is.work, was.work), ...without(is.timers, was.timers)],
    lostEvents: without(was.events, is.events),
  };
}

interface ActiveNode {
  /** Its path. */
  readonly name: string;
  /** As the machine was configured. */
  readonly node: JsonObject;
}

/** The active nodes, the root first; undefined where the value names one that is not there. */
function nodesOf(root: Json, value: Json): readonly ActiveNode[] | undefined {
  const found: ActiveNode[] = [];
  const enter = (node: Json | undefined, inner: Json | undefined, path: readonly string[]): boolean => {
    if (!isObject(node) || path.length > MOST_DEPTH) return false;
    found.push({ name: path.join('.') || 'the machine', node });
    if (inner === undefined) return true;
    const states = isObject(node['states']) ? node['states'] : {};
    const parts =
      typeof inner === 'string'
        ? [[inner, undefined] as const]
        : isObject(inner)
          ? Object.entries(inner)
          : [];
    return parts.every(([name, deeper]) =>
      enter(Object.hasOwn(states, name) ? states[name] : undefined, deeper, [...path, name]),
    );
  };
  return enter(root, isEmpty(value) ? undefined : value, []) ? found : undefined;
}

/** A machine without states has an empty value. */
function isEmpty(value: Json): boolean {
  return value === null || (isObject(value) && Object.keys(value).length === 0);
}

interface Summary {
  readonly work: ReadonlySet<string>;
  readonly timers: ReadonlySet<string>;
  readonly events: ReadonlySet<string>;
}

function summaryOf(nodes: readonly ActiveNode[]): Summary {
  const [work, timers, events] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const { name, node } of nodes) {
    for (const invoke of [node['invoke'] ?? []].flat())
      if (isObject(invoke)) work.add(text(invoke['id'] ?? invoke['src']));
    for (const delay of isObject(node['after']) ? Object.keys(node['after']) : [])
      timers.add(`after ${/^\d+$/.test(delay) ? `${delay} ms` : delay} in ${name}`);
    for (const type of isObject(node['on']) ? Object.keys(node['on']) : []) events.add(type);
  }
  return { work, timers, events };
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
