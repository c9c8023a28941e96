// What people have ordered of all processes, kept by one actor: which agents are paused, what models cost. Processes that follow say so
// again and again, and are told at once of what changes. Pure.
import type { ControlAnswer, Reduced } from '../../contract/control.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import type { EventJson, Json } from '../../contract/json.ts';
import type { AgentPause } from '../../contract/orders.ts';
import { isRepeat, type Obeyed, remembered } from '../repeats.ts';
import { configuredWith, type KnownPrices, orderedPrice, standingPrices, toldPrices } from './prices.ts';
import {
  type Follow,
  type Order,
  type OrdersView,
  readFollow,
  readOrder,
  type Standing,
} from './protocol.ts';

/** Of more than that those are told nothing unasked that have been silent longest: they hear of it when they ask. */
const MOST_PROCESSES = 500;
/** Of more those that are not paused are forgotten, longest unheard of first. */
const MOST_AGENTS = 1_000;

interface Follower {
  readonly to: ReplyAddress;
  readonly at: number;
  readonly silenceMs: number;
}

interface KnownAgent {
  readonly heardAt: number;
  readonly pause?: AgentPause;
}

export interface OrdersState {
  readonly now: number;
  readonly revision: number;
  readonly agents: Readonly<Record<string, KnownAgent>>;
  readonly prices: KnownPrices;
  readonly processes: Readonly<Record<string, Follower>>;
  readonly obeyed: Obeyed;
}

const NOTHING: OrdersState = { now: 0, revision: 0, agents: {}, prices: {}, processes: {}, obeyed: [] };

export function reduceOrders(
  known: OrdersState | undefined,
  event: EventJson,
  given: number,
): Reduced<OrdersState> {
  const before = { ...NOTHING, ...known };
  // A clock that goes back a little stands still here.
  const state = { ...before, now: Math.max(before.now, given) };
  const follow = readFollow(event);
  if (follow !== undefined) return followed(state, follow);
  const order = readOrder(event);
  return order === undefined ? { state, answers: [] } : obey(state, order);
}

function followed(
  state: OrdersState,
  { process, from, seq, silenceMs, agents, prices }: Follow,
): Reduced<OrdersState> {
  const { now } = state;
  const heard = agents.map((name) => [name, { ...agentOf(state, name), heardAt: now }] as const);
  const living = Object.entries(state.processes).filter(
    ([name, one]) => name !== process && now - one.at <= one.silenceMs,
  );
  const known = configuredWith(state.prices, prices);
  const isNews = JSON.stringify(toldPrices(known)) !== JSON.stringify(toldPrices(state.prices));
  const next: OrdersState = {
    ...state,
    revision: isNews ? state.revision + 1 : state.revision,
    prices: known,
    agents: bounded({ ...state.agents, ...Object.fromEntries(heard) }),
    // The latest behind.
    processes: Object.fromEntries([
      ...living.slice(-(MOST_PROCESSES - 1)),
      [process, { to: from, at: now, silenceMs }],
    ]),
  };
  const own = { to: from, value: { ...standingOf(next), seq } as unknown as Json };
  return { state: next, answers: isNews ? [own, ...toldOf(next, process)] : [own] };
}

/** Repeats are known by their id. One that only looks changes nothing. */
function obey(state: OrdersState, { id, from, ...order }: Order): Reduced<OrdersState> {
  const isAgain = isRepeat(state.obeyed, id);
  const changed = isAgain ? state : carriedOut(state, order);
  const isChanged = changed !== state;
  const next: OrdersState = {
    ...changed,
    revision: isChanged ? state.revision + 1 : state.revision,
    obeyed: isAgain || Object.keys(order).length <= 1 ? state.obeyed : remembered(state.obeyed, id),
  };
  const view = { to: from, value: viewOf(next) as unknown as Json };
  return { state: next, answers: isChanged ? [view, ...toldOf(next)] : [view] };
}

function toldOf(state: OrdersState, but?: string): readonly ControlAnswer[] {
  const value = standingOf(state) as unknown as Json;
  return Object.entries(state.processes).flatMap(([name, { to }]) => (name === but ? [] : [{ to, value }]));
}

/** The same state where nothing changes. An agent that no process has named is left alone: its name may be a mistake. */
function carriedOut(state: OrdersState, { pause, resume, price }: Omit<Order, 'id' | 'from'>): OrdersState {
  if (price !== undefined) return { ...state, prices: orderedPrice(state.prices, price.model, price.price) };
  const name = pause?.agent ?? resume;
  const agent = name === undefined ? undefined : agentOf(state, name);
  if (name === undefined || agent === undefined) return state;
  const { pause: before, ...rest } = agent;
  if (pause === undefined)
    return before === undefined ? state : { ...state, agents: { ...state.agents, [name]: rest } };
  const { reason } = pause;
  if (before !== undefined && before.reason === reason) return state;
  const own = { since: before?.since ?? state.now, ...(reason === undefined ? {} : { reason }) };
  return { ...state, agents: { ...state.agents, [name]: { ...rest, pause: own } } };
}

function agentOf({ agents }: OrdersState, name: string): KnownAgent | undefined {
  return Object.hasOwn(agents, name) ? agents[name] : undefined;
}

function bounded(agents: OrdersState['agents']): OrdersState['agents'] {
  const all = Object.entries(agents);
  if (all.length <= MOST_AGENTS) return agents;
  const order = (one: KnownAgent): number => (one.pause === undefined ? one.heardAt : Infinity);
  return Object.fromEntries(all.toSorted(([, a], [, b]) => order(b) - order(a)).slice(0, MOST_AGENTS));
}

function standingOf({ revision, agents, prices }: OrdersState): Standing {
  const paused = Object.entries(agents).flatMap(([name, { pause }]) =>
    pause === undefined ? [] : [[name, pause] as const],
  );
  return { revision, paused: Object.fromEntries(paused), prices: toldPrices(prices) };
}

function viewOf({ revision, agents, prices }: OrdersState): OrdersView {
  const all = Object.entries(agents).map(([name, { pause }]) => [name, pause ?? null] as const);
  return { revision, agents: Object.fromEntries(all), prices: standingPrices(prices) };
}
