// What processes, clients and the keeper of standing orders say to each other. What a process is told is all that stands, with a number
// that grows: the highest counts, so nothing is lost where a word is, and what comes twice changes nothing.
import type { ReplyAddress } from '../../contract/effect.ts';
import { type EventJson, isJsonObject, type Json } from '../../contract/json.ts';
import type { AgentPause } from '../../contract/orders.ts';
import type { Price } from '../../contract/usage.ts';
import { isPrice, MOST_MODELS, type ToldPrice } from './prices.ts';

/** The name of the one that there is. */
export const ORDERS = 'all';

/** From a process, at its start and every few seconds: it wants to know what stands. */
export interface Follow {
  readonly type: 'follow';
  readonly process: string;
  readonly from: ReplyAddress;
  /** Of this process, from 1. */
  readonly seq: number;
  /** One that is silent for so long is told nothing more. */
  readonly silenceMs: number;
  /** Those that it runs. */
  readonly agents: readonly string[];
  /** As it is configured, by model. */
  readonly prices: Readonly<Record<string, Price>>;
}

/** All that stands, told as an answer or unasked. */
export interface Standing {
  /** Of the `follow` that it answers. */
  readonly seq?: number;
  /** Grows with each change. */
  readonly revision: number;
  /** By agent. */
  readonly paused: Readonly<Record<string, AgentPause>>;
  /** By model: those that not every process has in its configuration. */
  readonly prices: Readonly<Record<string, ToldPrice>>;
}

/** From a person, or to look only where nothing is ordered. A repeat has the same id. */
export interface Order {
  readonly type: 'order';
  readonly id: string;
  readonly from: ReplyAddress;
  readonly pause?: { readonly agent: string; readonly reason?: string };
  /** An agent. */
  readonly resume?: string;
  readonly price?: { readonly model: string; readonly price: Price };
}

/** What an order is answered with, once it is carried out. An agent that is not known here is not there. */
export interface OrdersView {
  readonly revision: number;
  readonly agents: Readonly<Record<string, AgentPause | null>>;
  /** What counts, by model. */
  readonly prices: Readonly<Record<string, ToldPrice>>;
}

export const MAX_REASON = 500;
const LONGEST = 128;
const MOST_NAMED = 1_000;

/** Undefined for what no process of ours has sent. */
export function readFollow(event: EventJson): Follow | undefined {
  const { type, process, from, seq, silenceMs, agents, prices } = event as unknown as Partial<Follow>;
  const isFollow =
    type === 'follow' &&
    isName(process) &&
    isAddress(from) &&
    isCount(seq) &&
    isCount(silenceMs) &&
    Array.isArray(agents) &&
    agents.length <= MOST_NAMED &&
    agents.every(isName) &&
    isPrices(prices);
  return isFollow ? (event as unknown as Follow) : undefined;
}

/** As `readFollow`. */
export function readOrder(event: EventJson): Order | undefined {
  const { type, id, from, pause, resume, price } = event as unknown as Partial<Order>;
  const isOrder =
    type === 'order' &&
    isName(id) &&
    isAddress(from) &&
    (pause === undefined || isPause(pause)) &&
    (resume === undefined || isName(resume)) &&
    (price === undefined || (isJsonObject(price) && isName(price['model']) && isPrice(price['price'])));
  return isOrder ? (event as unknown as Order) : undefined;
}

/** Undefined for what no keeper of this build says. */
export function readStanding(value: Json): Standing | undefined {
  if (!isJsonObject(value)) return undefined;
  const { seq, revision, paused, prices } = value;
  const isStanding =
    (seq === undefined || isCount(seq)) &&
    isCount(revision) &&
    isJsonObject(paused) &&
    isPrices(prices) &&
    Object.values(paused).every(
      (one) => isJsonObject(one) && isCount(one['since']) && isReason(one['reason']),
    );
  return isStanding ? (value as unknown as Standing) : undefined;
}

function isPrices(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  const all = Object.entries(value);
  return all.length <= MOST_MODELS && all.every(([model, price]) => isName(model) && isPrice(price));
}

function isPause(value: unknown): boolean {
  return isJsonObject(value) && isName(value['agent']) && isReason(value['reason']);
}

function isReason(value: unknown): boolean {
  return value === undefined || (typeof value === 'string' && value.length <= MAX_REASON);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** An answer that no queue takes would hold the keeper up for ever; only processes and clients ask. */
function isAddress(value: unknown): value is ReplyAddress {
  return (
    isJsonObject(value) &&
    value['entity'] === 'replies' &&
    isName(value['sessionId']) &&
    isName(value['correlationId'])
  );
}
