// The pumps of agents and of machines' own logic: a queue each, with what all of a process share: claims, limits, streams.
import { createLimits } from '../actors/agents/limit/limits.ts';
import { createStreamHub } from '../actors/agents/stream/hub.ts';
import { createTaskClaims, type TaskClaims } from '../actors/agents/task/claim.ts';
import { createTaskHandler } from '../actors/agents/task/handler.ts';
import { taskMetrics } from '../actors/agents/task/metrics.ts';
import { createRetryLedger } from '../actors/agents/task/retry-budget.ts';
import { createSavings } from '../actors/agents/task/savings.ts';
import type { Runnable, TaskHost } from '../actors/agents/task/task.ts';
import { DEFAULT_RETRY, DEFAULT_TIMEOUT_MS, newTaskCounters } from '../actors/agents/task/task.ts';
import type { WaitReports } from '../actors/agents/task/wait-reports.ts';
import { CANCELLED_ID, cancelledIn } from '../actors/protocol/tell-cancelled.ts';
import type { AgentConfig, ResolvedConfig, RetryBudget } from '../contract/config.ts';
import { agentQueue, logicQueue } from '../contract/entities.ts';
import type { Pump, TaskPumpOptions } from '../contract/ports.ts';
import { addRows } from '../contract/usage.ts';
import type { TaskBody } from '../contract/wire.ts';
import type { StandingOrders } from '../mailbox/standing-orders.ts';
import { reporting, waitReportsOf } from './admission.ts';
import { closeAgents } from './close-agents.ts';
import type { PumpContext } from './hosting.ts';
import { laneReports, telling } from './lanes.ts';
import type { Registration } from './registration.ts';
import { ofCopies, type Source, subscriptionsOf } from './topics.ts';

/** Tasks of one I/O agent at once, unless its configuration says otherwise. */
const IO_CONCURRENCY = 8;

export function startAgentPumps(context: PumpContext): Pump[] {
  const { config, registration, threads } = context;
  const claims = claimsOf(context);
  const limits = createLimits({
    ...context,
    ...config,
    counters: context.counters.limits,
  });
  const { metrics } = context;
  metrics.read('quorate.limit.open', (emit) => {
    for (const { name, isOpen } of limits.read()) emit(isOpen ? 1 : 0, name);
  });
  metrics.read('quorate.limit.waiting', (emit) => {
    for (const { name, waiting } of limits.read()) emit(waiting, name);
  });
  const waits = waitReportsOf(context);
  const streams = createStreamHub({ ...context, store: context.streamStore, writer: context.process });
  const savings = createSavings(context);
  const agents = Object.entries(config.agents).flatMap(([name, agent]) =>
    startTaskPump(context, {
      limit: limits.of(agent.limit),
      orders: context.orders,
      claims: (agent.exclusive ?? !('module' in agent)) ? claims : undefined,
      name,
      entity: agentQueue(name),
      resolve: () => ({ kind: 'agent', config: agent as AgentConfig }),
      timeoutMs: agent.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...retriesOf(agent.retry),
      concurrency: concurrencyOf(agent, threads),
      agent,
      waits,
      streams,
      savings,
      subscriptions: subscriptionsOf(config, name),
    }),
  );
  const logic = registration.logicTypes.flatMap((type) =>
    startTaskPump(context, {
      name: `${type} logic`,
      entity: logicQueue(type),
      resolve: (task) => ownLogic(task, registration),
      timeoutMs: DEFAULT_TIMEOUT_MS,
      ...retriesOf(undefined),
      concurrency: threads,
      claims: undefined,
      limit: undefined,
      orders: undefined,
      streams: undefined,
      subscriptions: [],
    }),
  );
  /** When the last of their attempts is over. */
  const shared: Pump = {
    active: 0,
    stop: async () => {
      await Promise.all(agents.map((pump) => pump.stop()));
      await closeAgents(context);
      await claims.stop();
      await streams.close();
      await savings.stop();
      waits?.stop();
      await limits.close();
    },
  };
  return [...agents, ...logic, shared];
}

export function concurrencyOf(agent: ResolvedConfig['agents'][string], threads: number): number {
  return agent.concurrency ?? ('module' in agent ? threads : IO_CONCURRENCY);
}

/**
 * One for all agents of the process; it does nothing until a task is claimed. Others tell it then what is cancelled, where looking
 * for that is a request over the network.
 */
function claimsOf(context: PumpContext): TaskClaims {
  const { taskClaims, cancellations, mailbox, config, clock, logger, hasLocalStore, process } = context;
  const { lockDurationMs } = config;
  const listen = (): string => {
    if (!hasLocalStore) mailbox.listen(CANCELLED_ID, (output) => cancellations.heard(cancelledIn(output)));
    return process;
  };
  // Who cancelled it before it was claimed knew of nobody to tell.
  const onClaimed = (marks: readonly string[]): unknown =>
    hasLocalStore || cancellations.isCancelledNow(marks);
  return createTaskClaims({ store: taskClaims, listen, lockDurationMs, onClaimed, clock, logger });
}

function retriesOf(
  given: ResolvedConfig['agents'][string]['retry'],
): Pick<TaskPumpSettings, 'retry' | 'budget'> {
  const { budget, ...retry } = given ?? {};
  return { retry: { ...DEFAULT_RETRY, ...(retry as Partial<typeof DEFAULT_RETRY>) }, budget };
}

function ownLogic({ logic }: TaskBody, { machines }: Registration): Runnable | undefined {
  const machine = logic === undefined ? undefined : machines.get(logic.type)?.machine;
  return logic === undefined || machine === undefined
    ? undefined
    : { kind: 'logic', machine, src: logic.src };
}

type TaskPumpSettings = Pick<
  TaskHost,
  'name' | 'entity' | 'resolve' | 'timeoutMs' | 'retry' | 'claims' | 'limit' | 'streams' | 'savings'
> & {
  readonly orders: StandingOrders | undefined;
  readonly concurrency: number;
  readonly budget: RetryBudget | false | undefined;
  readonly subscriptions: readonly Source[];
  readonly agent?: ResolvedConfig['agents'][string];
  readonly waits?: WaitReports | undefined;
};

function startTaskPump(
  context: PumpContext,
  { concurrency, budget: given, subscriptions, agent, waits, ...settings }: TaskPumpSettings,
): Pump[] {
  const counters = newTaskCounters();
  context.counters.agents[settings.name] = counters;
  // In virtual time nothing comes at the same moment, and the same run is to end the same way again.
  const random = context.clock.skips === true ? () => 0.5 : Math.random;
  const budget = createRetryLedger(given, context.clock.now());
  const used: TaskHost['used'] = (rows) => {
    context.counters.usage = addRows(context.counters.usage, rows);
  };
  const { metrics } = context;
  const running = { concurrency, running: () => counters.running };
  metrics.read('quorate.agent.slots', (emit) => {
    emit(counters.running, settings.name, 'used');
    emit(Math.max(0, concurrency - counters.running), settings.name, 'free');
  });
  const lane = agent === undefined ? undefined : laneReports(settings.name, agent, running, context);
  const measured = taskMetrics(metrics, settings.name);
  const own = { ...context, ...settings, metrics: measured, counters, used, random, budget, lane };
  const agentWaits = agent === undefined ? undefined : waits;
  const isLimited = (): boolean =>
    settings.limit !== undefined || settings.orders?.holds(settings.name) === true;
  const onMessage = reporting(agentWaits, settings.name, { ...running, isLimited }, createTaskHandler(own));
  const { bridge } = context;
  const { entity: queue } = settings;
  const ready = readyFor(settings, context);
  return [
    telling(bridge.pumpTasks({ entity: queue, concurrency, onMessage, ...ready }), lane),
    // What comes of a copy goes to the agent's own queue, and is one handler's.
    ...subscriptions.map(({ entity, subscription }) =>
      bridge.pumpTasks({
        entity,
        concurrency,
        onMessage: ofCopies(subscription, onMessage),
        ...ready,
      }),
    ),
  ];
}

/** What its next message waits for, where anything may hold it back. */
function readyFor(
  { name, limit, orders }: Pick<TaskPumpSettings, 'name' | 'limit' | 'orders'>,
  { clock }: Pick<PumpContext, 'clock'>,
): Pick<TaskPumpOptions, 'ready'> {
  // Where time is virtual what does not fit is put off, not left in its queue: the time that it waits for would never come.
  const pauses = clock.skips === true ? undefined : orders;
  if (limit === undefined && pauses === undefined) return {};
  return { ready: (ahead, signal) => pauses?.ready(name, signal) ?? limit?.ready(ahead, signal) };
}
