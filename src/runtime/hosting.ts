// What pumps are given of the process, what hosts of actors are given of the configuration, and what they say once and not each time.
import type { ActorHost } from '../actors/host/host.ts';
import type { RecordPacker } from '../actors/host/records/packer.ts';
import type { Cancellations } from '../actors/protocol/cancellations.ts';
import { fundsOf, savedRows } from '../actors/protocol/estimates.ts';
import { notifyAgentOf } from '../config/ask-webhook.ts';
import type { AgentConfig, ResolvedConfig } from '../contract/config.ts';
import type { EntityDeclaration } from '../contract/entities.ts';
import type { Payloads, ResultStore, TaskClaimStore } from '../contract/payload.ts';
import type { Bridge, Clock, InspectionSink, Logger, WorkerPool } from '../contract/ports.ts';
import type { StreamStore } from '../contract/stream.ts';
import { toMicroUsd } from '../contract/usage.ts';
import type { ControlMailbox } from '../mailbox/control-mailbox.ts';
import type { StandingOrders } from '../mailbox/standing-orders.ts';
import type { Registry } from '../observability/metrics/registry.ts';
import type { ProcessCounters } from './counters.ts';
import type { Registration } from './registration.ts';

export interface PumpContext {
  readonly config: ResolvedConfig;
  readonly registration: Registration;
  readonly entities: readonly EntityDeclaration[];
  readonly threads: number;
  readonly pool: WorkerPool;
  readonly bridge: Bridge;
  readonly results: ResultStore;
  readonly cancellations: Cancellations;
  /** Of this process: the session of `replies` in which it is told. */
  readonly process: string;
  readonly mailbox: ControlMailbox;
  /** Limits hold also where time is virtual, because a test says so. */
  readonly holdsLimits: boolean;
  /** Nothing where `atRunTime` is not configured. */
  readonly orders: StandingOrders | undefined;
  /** What models cost now. */
  readonly prices: () => ResolvedConfig['prices'];
  readonly taskClaims: TaskClaimStore;
  readonly streamStore: StreamStore;
  /** On the disk of this machine: a look costs next to nothing. */
  readonly hasLocalStore: boolean;
  readonly payloads: Payloads;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly inspection: InspectionSink;
  /** Tells the index of consoles; absent where it is not asked for. */
  readonly records: RecordPacker | undefined;
  readonly counters: ProcessCounters;
  readonly metrics: Registry;
  readonly onDeadLetter: (entity: string, code: string) => void;
  readonly onUnsigned: (folder: string) => void;
  /** Aborts when the grace of a shutdown is over. */
  readonly shutdown: AbortSignal;
}

/** What they need to know for budgets, and for questions to people. */
export function hosting({
  config,
  prices,
  logger,
}: Pick<PumpContext, 'config' | 'prices' | 'logger'>): Pick<
  ActorHost,
  'fundsOf' | 'savedOf' | 'unpriced' | 'tenants' | 'notifyAsks'
> {
  const { agents, budgets, topics } = config;
  const models = Object.values(agents).flatMap(({ model }) => model ?? []);
  const tenants = Object.entries(budgets).map(([tenant, { usdPerDay, tokensPerDay, revision }]) => {
    const money = usdPerDay === undefined ? {} : { microUsd: toMicroUsd(usdPerDay) };
    const tokens = tokensPerDay === undefined ? {} : { tokens: tokensPerDay };
    return [tenant, { ...money, ...tokens, ...(revision === undefined ? {} : { revision }) }] as const;
  });
  /** Of a broadcast the branches are names of subscriptions. */
  const agentFor = (asked: string, topic: string | undefined) => {
    const name = (topic === undefined ? undefined : topics?.[topic]?.subscriptions[asked]) ?? asked;
    const agent = Object.hasOwn(agents, name) ? agents[name] : undefined;
    return { name, agent: (agent ?? {}) as Partial<AgentConfig> };
  };
  return {
    notifyAsks: notifyAgentOf(config),
    tenants: Object.fromEntries(tenants),
    unpriced: () => models.find((model) => !Object.hasOwn(prices(), model)),
    fundsOf: (asked, input, topic) => {
      const { name, agent } = agentFor(asked, topic);
      return fundsOf(agent, input, name, { prices: prices(), logger });
    },
    savedOf: (asked, input, topic) => {
      const { name, agent } = agentFor(asked, topic);
      return savedRows(agent, input, name, { prices: prices(), logger });
    },
  };
}

/** Once for each version that this host does not know: its actors come again and again until another host serves them. */
export function createForeignLog(type: string, logger: Logger): ActorHost['onForeignState'] {
  const said = new Set<string>();
  return (actor, why) => {
    if (said.has(why)) return;
    said.add(why);
    logger.error(`${actor}: ${why}; actors of type ${type} like it are left to other hosts`, { type });
  };
}

/** Once: either somebody forges messages, or hosts do not share one payload store, and then all of theirs look like that. */
export function createUnsignedLog(logger: Logger): (folder: string) => void {
  let said = false;
  return (folder) => {
    if (said) return;
    said = true;
    logger.warn(
      `a message names ${folder} in the payload store without a signature that counts here: it was forged, or its sender has another payload store or an earlier build; nothing there is read or written (docs/configuration.md)`,
    );
  };
}
