// What models cost, looked at and changed while everything runs: orders to the one that keeps them for all processes.
import { priceSchema } from '../config/schema.ts';
import { QuorateError } from '../contract/errors.ts';
import type { PriceChange, RevisedPrice, SharedPrices } from '../contract/orders.ts';
import type { Bridge } from '../contract/ports.ts';
import type { Price } from '../contract/usage.ts';
import type { ToldPrice } from '../control/orders/prices.ts';
import type { Requests } from '../mailbox/requests.ts';
import { lookAtAll, orderAll } from './orders.ts';

const LONGEST_MODEL = 128;

export function createSharedPrices(
  bridge: Pick<Bridge, 'listSessions'>,
  requests: Pick<Requests, 'ask'>,
): SharedPrices {
  return {
    list: async (call) => {
      const { prices = {} } = (await lookAtAll({ bridge, requests }, call)) ?? {};
      const all = Object.entries(prices).toSorted(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(all.map(([model, price]) => [model, shown(price)]));
    },
    set: async (model, given, call) => {
      const price = checked(model, given);
      const { prices } = await orderAll({ bridge, requests }, { price: { model, price } }, call);
      const { [model]: now } = prices;
      if (now === undefined) throw new Error(`the price of ${model} was taken and is not there`);
      return shown(now);
    },
  };
}

function shown({ isOrdered: _mark, ...price }: ToldPrice): RevisedPrice {
  return price;
}

function checked(model: string, given: PriceChange): Price {
  if (typeof model !== 'string' || model === '' || model.length > LONGEST_MODEL)
    throw new QuorateError('INPUT_INVALID', `a model is a text of 1 to ${LONGEST_MODEL} characters`);
  const at = given.at ?? new Date().toISOString().slice(0, 'YYYY-MM-DD'.length);
  const parsed = priceSchema.omit({ revision: true }).safeParse({ ...given, at });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new QuorateError(
    'INPUT_INVALID',
    `the price of ${model}: ${where}: ${issue?.message ?? 'unreadable'}`,
  );
}
