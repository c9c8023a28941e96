// Prices as they stand: what processes are configured with, and what people ordered over it. The highest revision counts, and of two the
// ordered one.
import type { RevisedPrice } from '../../contract/orders.ts';
import { MICROS, type Price } from '../../contract/usage.ts';

/** A price as processes are told of it. */
export interface ToldPrice extends RevisedPrice {
  /** By people: it counts also where a process is configured with the same revision. */
  readonly isOrdered?: true;
}

export interface KnownPrice {
  readonly configured?: RevisedPrice;
  readonly ordered?: RevisedPrice;
}

export type KnownPrices = Readonly<Record<string, KnownPrice>>;

/** Of more no process is told. */
export const MOST_MODELS = 1_000;

/** As a process is configured. The same where nothing of it is news to others. */
export function configuredWith(all: KnownPrices, prices: Readonly<Record<string, Price>>): KnownPrices {
  const news = Object.entries(prices).flatMap(([model, { revision = 0, ...price }]) => {
    const { configured, ordered }: KnownPrice = Object.hasOwn(all, model) ? (all[model] ?? {}) : {};
    // Of the same revision two processes do not fight: nobody is told of a price of revision 0, and of others the first one stays.
    const known = configured?.revision ?? -1;
    if (revision < known || (revision === known && revision > 0)) return [];
    const isOver = ordered === undefined || revision > ordered.revision;
    return [[model, { configured: { ...price, revision }, ...(isOver ? {} : { ordered }) }] as const];
  });
  return news.length === 0 ? all : bounded({ ...all, ...Object.fromEntries(news) });
}

/** One above all that was known. */
export function orderedPrice(known: KnownPrices, model: string, price: Price): KnownPrices {
  const before = Object.hasOwn(known, model) ? (known[model] ?? {}) : {};
  const { revision: _own, ...rest } = price;
  const revision = Math.max(before.configured?.revision ?? 0, before.ordered?.revision ?? 0) + 1;
  return bounded({ ...known, [model]: { ...before, ordered: { ...rest, revision } } });
}

/** What counts, by model. */
export function standingPrices(known: KnownPrices): Readonly<Record<string, ToldPrice>> {
  const all = Object.entries(known).flatMap(([model, { configured, ordered }]) => {
    if (ordered !== undefined) return [[model, { ...ordered, isOrdered: true as const }] as const];
    return configured === undefined ? [] : [[model, configured] as const];
  });
  return Object.fromEntries(all);
}

/** What processes must know that are configured otherwise. */
export function toldPrices(known: KnownPrices): Readonly<Record<string, ToldPrice>> {
  const all = Object.entries(standingPrices(known));
  return Object.fromEntries(all.filter(([, { revision }]) => revision > 0));
}

/** What counts in a process that is configured so. */
export function pricesIn(
  configured: Readonly<Record<string, Price>>,
  told: Readonly<Record<string, ToldPrice>>,
): Readonly<Record<string, Price>> {
  const over = Object.entries(told).filter(([model, { revision, isOrdered }]) => {
    const own = Object.hasOwn(configured, model) ? configured[model] : undefined;
    if (own === undefined) return true;
    const { revision: known = 0 } = own;
    return revision > known || (revision === known && isOrdered === true);
  });
  if (over.length === 0) return configured;
  return { ...configured, ...Object.fromEntries(over.map(([model, price]) => [model, withoutMark(price)])) };
}

function withoutMark({ isOrdered: _mark, ...price }: ToldPrice): RevisedPrice {
  return price;
}

/** Those that people ordered stay. */
function bounded(known: KnownPrices): KnownPrices {
  const all = Object.entries(known);
  if (all.length <= MOST_MODELS) return known;
  const order = ({ ordered }: KnownPrice): number => (ordered === undefined ? 1 : 0);
  return Object.fromEntries(all.toSorted(([, a], [, b]) => order(a) - order(b)).slice(0, MOST_MODELS));
}

/** As the schema of the configuration takes it: with at most six decimals, so that sums of integers are exact. */
export function isPrice(value: unknown): value is Price {
  if (typeof value !== 'object' || value === null) return false;
  const { inputPerMillion, outputPerMillion, cachedInputPerMillion, at, revision } = value as Partial<Price>;
  const isUsd = (usd: unknown): boolean =>
    typeof usd === 'number' &&
    usd >= 0 &&
    usd <= MICROS &&
    Math.abs(usd * MICROS - Math.round(usd * MICROS)) < 1e-3;
  return (
    isUsd(inputPerMillion) &&
    isUsd(outputPerMillion) &&
    (cachedInputPerMillion === undefined || isUsd(cachedInputPerMillion)) &&
    typeof at === 'string' &&
    at.length <= 32 &&
    (revision === undefined || (Number.isSafeInteger(revision) && revision >= 0))
  );
}
