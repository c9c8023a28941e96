// Agents paused and resumed while they run: orders to the one that keeps them for all processes, which answers with how things are then.
import { QuorateError } from '../contract/errors.ts';
import type { LimitCall } from '../contract/limits.ts';
import type { AgentPause, SharedAgents } from '../contract/orders.ts';
import type { Bridge } from '../contract/ports.ts';
import { MAX_REASON, type Order } from '../control/orders/protocol.ts';
import type { Requests } from '../mailbox/requests.ts';
import { lookAtAll, orderAll } from './orders.ts';

export function createSharedAgents(
  bridge: Pick<Bridge, 'listSessions'>,
  requests: Pick<Requests, 'ask'>,
): SharedAgents {
  const reach = { bridge, requests };
  const change = async (
    name: string,
    what: Pick<Order, 'pause' | 'resume'>,
    call: LimitCall | undefined,
  ): Promise<AgentPause | null> => {
    const { agents } = await orderAll(reach, what, call);
    if (Object.hasOwn(agents, name)) return agents[name] ?? null;
    const there = Object.keys(agents).toSorted().join(', ');
    throw new QuorateError('AGENT_NOT_FOUND', `no process has an agent '${name}': there are ${there}`);
  };
  return {
    list: async (call) => {
      const { agents = {} } = (await lookAtAll(reach, call)) ?? {};
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
