// What becomes of actors in one state when their machine is replaced by another one: read from the two definitions, without an actor. It is
// what a host will do, as far as definitions tell it: guards, functions and contexts are not looked at.
import { isJsonObject, type Json } from '../../contract/json.ts';
import { type ActiveNode, activeNodes } from '../definition.ts';

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

/** `before` undefined: it was never told, and only whether the state is there can be said. */
export function compareState(before: Json | undefined, after: Json, value: Json): StateChange {
  const next = activeNodes(after, value);
  if (!next.isWhole) return { ...NO_CHANGE, isGone: true };
  const last = before === undefined ? undefined : activeNodes(before, value);
  if (last?.isWhole !== true) return NO_CHANGE;
  const [was, is] = [summaryOf(last.nodes), summaryOf(next.nodes)];
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

interface Summary {
  readonly work: ReadonlySet<string>;
  readonly timers: ReadonlySet<string>;
  readonly events: ReadonlySet<string>;
}

function summaryOf(nodes: readonly ActiveNode[]): Summary {
  const [work, timers, events] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const { name, node } of nodes) {
    for (const invoke of [node['invoke'] ?? []].flat())
      if (isJsonObject(invoke)) work.add(text(invoke['id'] ?? invoke['src']));
    for (const delay of isJsonObject(node['after']) ? Object.keys(node['after']) : [])
      timers.add(`after ${/^\d+$/.test(delay) ? `${delay} ms` : delay} in ${name}`);
    for (const type of isJsonObject(node['on']) ? Object.keys(node['on']) : []) events.add(type);
  }
  return { work, timers, events };
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}
