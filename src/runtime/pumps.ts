// What a process takes on, as pumps: sessions of actors, queues of agents, offers and dead letters.
import { createDeadLetterHandler } from '../actors/agents/dead-letters.ts';
import { createOfferHandler } from '../actors/agents/offers.ts';
import { createRemediation } from '../actors/agents/remediation.ts';
import { createActionHandler } from '../actors/host/actions/action-queue.ts';
import { Actions } from '../actors/host/actions/custom-actions.ts';
import { budgetGate } from '../actors/host/budget/budget.ts';
import { lettersOf } from '../actors/host/foresight/foresee.ts';
import { holdSession } from '../actors/host/hold.ts';
import type { ActorHost, OlderVersion } from '../actors/host/host.ts';
import { hostMetrics } from '../actors/host/metrics.ts';
import { TimerMemory } from '../actors/host/outbox/scheduled.ts';
import type { ResolvedConfig } from '../contract/config.ts';
import {
  actionQueue,
  actorQueue,
  agentQueue,
  deadLetterSources,
  OFFERS,
  REMEDIATION,
} from '../contract/entities.ts';
import { QuorateError } from '../contract/errors.ts';
import type { Pump } from '../contract/ports.ts';
import { SESSION_WINDOW } from '../contract/sizes.ts';
import type { MachineRef } from '../contract/turn.ts';
import { followOrders, type StandingOrders } from '../mailbox/standing-orders.ts';
import { admissionOf } from './admission.ts';
import { concurrencyOf, startAgentPumps } from './agent-pumps.ts';
import { startControlPump } from './control-pump.ts';
import { countersOf } from './counters.ts';
import { createForeignLog, createUnsignedLog, hosting, type PumpContext } from './hosting.ts';
import { laneGates } from './lanes.ts';
import { ofCopies, subscriptionsOf } from './topics.ts';

/** A busy session lets others in after this long (I14). */
const HOLD_QUANTUM_MS = 100;
/** More turns waiting for a thread than it does in a few milliseconds. */
const SATURATED_TURNS_PER_THREAD = 16;
const OFFER_CONCURRENCY = 8;
/** They come in floods, and are dealt with in groups: a send and a settlement for all that are at hand. */
const DEAD_LETTER_CONCURRENCY = 64;

/** What is made here. */
type Made = 'onUnsigned' | 'onDeadLetter' | 'orders' | 'prices';

export function startPumps(given: Omit<PumpContext, Made>): Pump[] {
  const { roles } = given.config;
  const { metrics } = given;
  const orders = ordersOf(given);
  const { prices: configured } = given.config;
  const prices = (): ResolvedConfig['prices'] => orders?.prices() ?? configured;
  const context: PumpContext = {
    ...given,
    orders,
    prices,
    onUnsigned: createUnsignedLog(given.logger),
    onDeadLetter: (entity, code) => metrics.counter('quorate.dead_letters', entity, metrics.code(code)).add(),
  };
  const pumps = [
    ...(roles.includes('actors') ? [...startActorPumps(context), ...startWatchPumps(context)] : []),
    ...(roles.includes('agents') ? startAgentPumps(context) : []),
  ];
  return orders === undefined ? pumps : [...pumps, { active: 0, stop: async () => orders.close() }];
}

/** Who configures nothing of it asks nobody. */
function ordersOf(context: Omit<PumpContext, Made>): StandingOrders | undefined {
  const { atRunTime, roles, agents, prices, lockDurationMs } = context.config;
  if (atRunTime !== true) return undefined;
  const own = roles.includes('agents') ? Object.keys(agents) : [];
  return followOrders({ ...context, agents: own, prices, lockDurationMs });
}

function pausesOf({ orders }: Pick<PumpContext, 'orders'>): Pick<ActorHost, 'pauseOf'> {
  return orders === undefined ? {} : { pauseOf: (agent) => orders.pauseOf(agent) };
}

function startActorPumps(context: PumpContext): Pump[] {
  const { bridge, config, logger, pool, registration, threads } = context;
  const { duplicateWindowMs, retentionMs, turnTimeoutMs } = config;
  const actions = new Actions({ ...context, turnTimeoutMs });
  const common = {
    ...context,
    actions,
    letters: lettersOf(bridge),
    registry: registration.registry,
    duplicateWindowMs,
    retentionMs,
    turnTimeoutMs,
    ...admissionOf(context),
    gates: [budgetGate, ...laneGates(config, (agent) => concurrencyOf(agent, threads))],
    ...hosting(context),
    ...pausesOf(context),
  };
  const sessions = [...registration.machines].map(([type, { machine, definition }]) => {
    // A child machine has its root's say in what poison does; its snapshots are moved by its root alone.
    const root = config.machines[type.split('.')[0] ?? ''];
    const own = config.machines[type];
    const host = {
      ...common,
      ...countedAs(type, context),
      timerMemory: new TimerMemory(),
      machine,
      definition,
      older: registration.older.get(type) ?? new Map<string, OlderVersion>(),
      ...(own?.migrate === undefined ? {} : { migrate: own.migrate }),
      onPoison: root?.onPoison ?? ('continue' as const),
      onForeignState: createForeignLog(type, logger),
    };
    const pump = bridge.pumpSessions({
      entity: actorQueue(type),
      maxSessions: config.sessions,
      window: SESSION_WINDOW,
      holdQuantumMs: HOLD_QUANTUM_MS,
      isSaturated: () => pool.waitingTurns >= threads * SATURATED_TURNS_PER_THREAD,
      onSession: async (session) => {
        context.counters.sessions++;
        try {
          return await holdSession(session, host);
        } finally {
          context.counters.sessions--;
        }
      },
    });
    context.metrics.read('quorate.actors.held', (emit) => emit(pump.active, type));
    return pump;
  });
  const foreign = {
    timerMemory: new TimerMemory(),
    onForeignState: createForeignLog('control', logger),
    // They are no actors of users.
    records: undefined,
  };
  const control = registration.control
    ? [startControlPump(bridge, { ...common, ...foreign, ...countedAs('control', context) })]
    : [];
  return [
    ...sessions,
    ...control,
    ...startActionPumps(context),
    runningActions(actions, sessions, context.shutdown),
  ];
}

/** Those of reserved types count together. */
function countedAs(
  type: string,
  { counters, metrics }: PumpContext,
): Pick<ActorHost, 'counters' | 'metrics'> {
  return { counters: countersOf(counters, type), metrics: hostMetrics(metrics, type) };
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
