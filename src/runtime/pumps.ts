// What a process takes on, as pumps: sessions of actors, queues of agents, offers and dead letters.
import { createDeadLetterHandler } from '../actors/agents/dead-letters.ts';
import { createLimits } from '../actors/agents/limit/limits.ts';
import { createOfferHandler } from '../actors/agents/offers.ts';
import { createRemediation } from '../actors/agents/remediation.ts';
import { createStreamHub } from '../actors/agents/stream/hub.ts';
import { createTaskClaims, type TaskClaims } from '../actors/agents/task/claim.ts';
import { createTaskHandler } from '../actors/agents/task/handler.ts';
import { createRetryLedger } from '../actors/agents/task/retry-budget.ts';
import type { Runnable, TaskHost } from '../actors/agents/task/task.ts';
import { DEFAULT_RETRY, DEFAULT_TIMEOUT_MS, newTaskCounters } from '../actors/agents/task/task.ts';
import type { WaitReports } from '../actors/agents/task/wait-reports.ts';
import { createActionHandler } from '../actors/host/actions/action-queue.ts';
import { Actions } from '../actors/host/actions/custom-actions.ts';
import { budgetGate } from '../actors/host/budget/budget.ts';
import { lettersOf } from '../actors/host/foresight/foresee.ts';
import { holdSession } from '../actors/host/hold.ts';
import type { OlderVersion } from '../actors/host/host.ts';
import { TimerMemory } from '../actors/host/outbox/scheduled.ts';
import type { Cancellations } from '../actors/protocol/cancellations.ts';
import { CANCELLED_ID, cancelledIn } from '../actors/protocol/tell-cancelled.ts';
import type { AgentConfig, ResolvedConfig, RetryBudget } from '../contract/config.ts';
import type { EntityDeclaration } from '../contract/entities.ts';
import {
  actionQueue,
  actorQueue,
  agentQueue,
  deadLetterSources,
  logicQueue,
  OFFERS,
  REMEDIATION,
} from '../contract/entities.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Payloads, ResultStore, TaskClaimStore } from '../contract/payload.ts';
import type { Bridge, Clock, InspectionSink, Logger, Pump, WorkerPool } from '../contract/ports.ts';
import { SESSION_WINDOW } from '../contract/sizes.ts';
import type { StreamStore } from '../contract/stream.ts';
import type { MachineRef } from '../contract/turn.ts';
import { addRows } from '../contract/usage.ts';
import type { TaskBody } from '../contract/wire.ts';
import type { ControlMailbox } from '../mailbox/control-mailbox.ts';
import { admissionOf, reporting, waitReportsOf } from './admission.ts';
import { closeAgents } from './close-agents.ts';
import { startControlPump } from './control-pump.ts';
import type { RuntimeCounters } from './counters.ts';
import { createForeignLog, createUnsignedLog, hosting } from './hosting.ts';
import { laneGates, laneReports, telling } from './lanes.ts';
import type { Registration } from './registration.ts';
import { ofCopies, type Source, subscriptionsOf } from './topics.ts';

/** A busy session lets others in after this long (I14). */
const HOLD_QUANTUM_MS = 100;
/** More turns waiting for a thread than it does in a few milliseconds. */
const SATURATED_TURNS_PER_THREAD = 16;
const OFFER_CONCURRENCY = 8;
/** They come in floods, and are dealt with in groups: a send and a settlement for all that are at hand. */
const DEAD_LETTER_CONCURRENCY = 64;
/** Tasks of one I/O agent at once, unless its configuration says otherwise. */
const IO_CONCURRENCY = 8;

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
  readonly taskClaims: TaskClaimStore;
  readonly streamStore: StreamStore;
  /** On the disk of this machine: a look costs next to nothing. */
  readonly hasLocalStore: boolean;
  readonly payloads: Payloads;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly inspection: InspectionSink;
  readonly counters: RuntimeCounters;
  readonly onUnsigned: (folder: string) => void;
  /** Aborts when the grace of a shutdown is over. */
  readonly shutdown: AbortSignal;
}

export function startPumps(given: Omit<PumpContext, 'onUnsigned'>): Pump[] {
  const { roles } = given.config;
  const context: PumpContext = { ...given, onUnsigned: createUnsignedLog(given.logger) };
  return [
    ...(roles.includes('actors') ? [...startActorPumps(context), ...startWatchPumps(context)] : []),
    ...(roles.includes('agents') ? startAgentPumps(context) : []),
  ];
}

function startActorPumps(context: PumpContext): Pump[] {
  const { bridge, config, logger, pool, registration, threads } = context;
  const { duplicateWindowMs, retentionMs, turnTimeoutMs } = config;
  const actions = new Actions({ ...context, turnTimeoutMs });
  const common = {
    ...context,
    counters: context.counters.actors,
    actions,
    letters: lettersOf(bridge),
    registry: registration.registry,
    duplicateWindowMs,
    retentionMs,
    turnTimeoutMs,
    ...admissionOf(context),
    gates: [budgetGate, ...laneGates(config, (agent) => concurrencyOf(agent, threads))],
    ...hosting(context),
  };
  const sessions = [...registration.machines].map(([type, { machine, definition }]) => {
    // A child machine has its root's say in what poison does; its snapshots are moved by its root alone.
    const root = config.machines[type.split('.')[0] ?? ''];
    const own = config.machines[type];
    const host = {
      ...common,
      timerMemory: new TimerMemory(),
      machine,
      definition,
      older: registration.older.get(type) ?? new Map<string, OlderVersion>(),
      ...(own?.migrate === undefined ? {} : { migrate: own.migrate }),
      onPoison: root?.onPoison ?? ('continue' as const),
      onForeignState: createForeignLog(type, logger),
    };
    return bridge.pumpSessions({
      entity: actorQueue(type),
      maxSessions: config.sessions,
      window: SESSION_WINDOW,
      holdQuantumMs: HOLD_QUANTUM_MS,
      isSaturated: () => pool.waitingTurns >= threads * SATURATED_TURNS_PER_THREAD,
      onSession: (session) => holdSession(session, host),
    });
  });
  const foreign = { timerMemory: new TimerMemory(), onForeignState: createForeignLog('control', logger) };
  const control = registration.control ? [startControlPump(bridge, { ...common, ...foreign })] : [];
  return [
    ...sessions,
    ...control,
    ...startActionPumps(context),
    runningActions(actions, sessions, context.shutdown),
  ];
}

/** What runs of actions that nobody waits for: a host stops after them, within its grace. */
function runningActions(actions: Actions, sessions: readonly Pump[], shutdown: AbortSignal): Pump {
  return {
    get active() {
      return actions.running;
    },
    stop: async () => {
      await Promise.all(sessions.map((pump) => pump.stop()));
      await actions.idle(shutdown);
    },
  };
}

/** Where actors run, their actions run too. */
function startActionPumps(context: PumpContext): Pump[] {
  const { bridge, config, registration, threads } = context;
  return registration.actionTypes.map((type) => {
    const entity = actionQueue(type);
    const machine = (version: string): MachineRef => {
      const own = registration.machines.get(type);
      const other = registration.older.get(type)?.get(version);
      const found = own?.machine.version === version ? own : (other ?? own);
      if (found === undefined) throw new QuorateError('MACHINE_NOT_FOUND', `no machine ${type} here`);
      return found.machine;
    };
    const { turnTimeoutMs } = config;
    const onMessage = createActionHandler({ ...context, entity, machine, turnTimeoutMs });
    return bridge.pumpTasks({ entity, concurrency: threads, onMessage });
  });
}

/** Offers on their way to their askers, and the dead letters of everything (I11). */
function startWatchPumps(context: PumpContext): Pump[] {
  const { bridge, entities } = context;
  const remediation = createRemediation({ ...context, retentionMs: context.config.retentionMs });
  const letters = bridge.pumpTasks({
    entity: REMEDIATION,
    concurrency: DEAD_LETTER_CONCURRENCY,
    onMessage: remediation.onMessage,
  });
  return [
    bridge.pumpTasks({
      entity: OFFERS,
      concurrency: OFFER_CONCURRENCY,
      onMessage: createOfferHandler(context),
    }),
    {
      stop: async () => {
        await letters.stop();
        remediation.flush();
      },
      get active() {
        return letters.active;
      },
    },
    ...deadLetterSources(entities).map((entity) =>
      bridge.pumpDeadLetters({
        entity,
        concurrency: DEAD_LETTER_CONCURRENCY,
        onMessage: createDeadLetterHandler({ ...context, entity }),
      }),
    ),
    ...subscriptionsOf(context.config).map(({ entity, subscription }) => {
      const handle = createDeadLetterHandler({
        ...context,
        entity,
        returnsTo: agentQueue(subscription.agent),
      });
      return bridge.pumpDeadLetters({
        entity,
        concurrency: DEAD_LETTER_CONCURRENCY,
        onMessage: ofCopies(subscription, handle),
      });
    }),
  ];
}

function startAgentPumps(context: PumpContext): Pump[] {
  const { config, registration, threads } = context;
  const claims = claimsOf(context);
  const limits = createLimits({
    ...context,
    ...config,
    counters: context.counters.limits,
  });
  const waits = waitReportsOf(context);
  const streams = createStreamHub({ ...context, store: context.streamStore, writer: context.process });
  const agents = Object.entries(config.agents).flatMap(([name, agent]) =>
    startTaskPump(context, {
      limit: limits.of(agent.limit),
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
      waits?.stop();
      await limits.close();
    },
  };
  return [...agents, ...logic, shared];
}

function concurrencyOf(agent: ResolvedConfig['agents'][string], threads: number): number {
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
  'name' | 'entity' | 'resolve' | 'timeoutMs' | 'retry' | 'claims' | 'limit' | 'streams'
> & {
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
  const { prices } = context.config;
  const running = { concurrency, running: () => counters.running };
  const lane = agent === undefined ? undefined : laneReports(settings.name, agent, running, context);
  const own = { ...context, ...settings, counters, used, prices, random, budget, lane };
  const agentWaits = agent === undefined ? undefined : waits;
  const isLimited = settings.limit !== undefined;
  const onMessage = reporting(agentWaits, settings.name, { ...running, isLimited }, createTaskHandler(own));
  const { bridge } = context;
  const { limit, entity: queue } = settings;
  const ready =
    limit === undefined ? {} : { ready: (ahead: number, signal: AbortSignal) => limit.ready(ahead, signal) };
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
