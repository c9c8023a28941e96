// Agents paused and resumed while they run: orders to the one that keeps them for all processes, which answers with how things are then.
import { QuorateError } from '../contract/errors.ts';
import type { LimitCall } from '../contract/limits.ts';
import type { AgentPause, SharedAgents } from '../contract/orders.ts';
import type { Bridge } from '../contract/ports.ts';
import { MAX_REASON, ORDERS, type Order, type OrdersView } from '../control/orders/protocol.ts';
import type { Requests } from '../mailbox/requests.ts';
import { giveOrderTo } from './orders.ts';

type Asked = Pick<Order, 'pause' | 'resume'>;

/** Undefined where no process has followed yet: an order would make a keeper that nobody hears. */
async function orderAll(
  bridge: Pick<Bridge, 'listSessions'>,
  requests: Pick<Requests, 'ask'>,
  what: Asked,
  call: LimitCall | undefined,
): Promise<OrdersView | undefined> {
  const target = { kind: 'orders', name: ORDERS } as const;
  const answer = await giveOrderTo({ bridge, requests }, target, { ...what }, call);
  return answer as unknown as OrdersView | undefined;
}

export function createSharedAgents(
  bridge: Pick<Bridge, 'listSessions'>,
  requests: Pick<Requests, 'ask'>,
): SharedAgents {
  const change = async (
    name: string,
    what: Asked,
    call: LimitCall | undefined,
  ): Promise<AgentPause | null> => {
    const view = await orderAll(bridge, requests, what, call);
    if (view === undefined) throw notFollowed();
    const { agents } = view;
    if (Object.hasOwn(agents, name)) return agents[name] ?? null;
    const there = Object.keys(agents).toSorted().join(', ');
    throw new QuorateError('AGENT_NOT_FOUND', `no process has an agent '${name}': there are ${there}`);
  };
  return {
    list: async (call) => {
      const { agents = {} } = (await orderAll(bridge, requests, {}, call)) ?? {};
      return Object.fromEntries(Object.entries(agents).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    },
    pause: async (name, { reason, ...call } = {}) => {
      if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON))
        throw new QuorateError('INPUT_INVALID', `a reason is a text of at most ${MAX_REASON} characters`);
      const pause = { agent: name, ...(reason === undefined ? {} : { reason }) };
      const paused = await change(name, { pause }, call);
      // Somebody else has resumed it behind a repeat of this order.
      return paused ?? { since: Date.now(), ...(reason === undefined ? {} : { reason }) };
    },
    resume: async (name, call) => {
      await change(name, { resume: name }, call);
    },
  };
}

function notFollowed(): QuorateError {
  return new QuorateError('NOT_FOLLOWED', 'no process follows what is ordered at run time');
}
