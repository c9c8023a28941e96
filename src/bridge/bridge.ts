// The whole of Service Bus as the rest of Quorate sees it: contract/ports.ts `Bridge` over @azure/service-bus.
import type { Bridge, Clock, Logger, Pump, TaskPumpOptions } from '../contract/ports.ts';
import { type ConnectionOptions, type Connector, createConnector } from './connection/connection.ts';
import { createConnectionPool } from './connection/connection-pool.ts';
import { toQuorateError } from './connection/sdk-errors.ts';
import { createDeferredStore } from './deferred-store.ts';
import { Load } from './load/load.ts';
import { type BridgeReadings, newSessionCounts, type SessionCounts } from './load/readings.ts';
import { Publisher } from './publish/publisher.ts';
import { createDelivery, createSenders } from './publish/until-accepted.ts';
import { NamedSessionPump } from './session/named-session-pump.ts';
import { SessionPump, type SessionPumpContext } from './session/session-pump.ts';
import { listSessions } from './session/session-states.ts';
import { TaskPump } from './tasks/task-pump.ts';
import { type BrokerClock, createBrokerClock, createTimeSource, skewText } from './time/clocks.ts';
import { closeInTime } from './time/waiting.ts';
import { createQueueLook, type QueueLook } from './topology/queue-look.ts';
import { createTopologyKeeper } from './topology/topology-keeper.ts';

export interface BridgeOptions {
  readonly connection: ConnectionOptions;
  /** Put before every entity name. */
  readonly prefix: string;
  readonly topology: 'check' | 'apply';
  readonly lockDurationMs: number;
  readonly duplicateWindowMs: number;
  readonly logger: Logger;
  /** Wall clock; default the system's. */
  readonly clock?: Clock;
  /** The topology was declared in the broker itself: it is only checked, whatever `topology` says. */
  readonly embedded?: boolean;
}

/** A bridge that a test can cut off. */
export interface CuttableBridge extends Bridge {
  /** Host and port. */
  readonly endpoint: string;
  /** The clock of the broker, as this process can tell it. */
  readonly clock: BrokerClock;
  /** Ends every connection without a goodbye and opens no other, as if the process had died. */
  cut(): Promise<void>;
  /** Resolves as soon as a connection is open. */
  connected(): Promise<void>;
  readonly readings: BridgeReadings;
  /** Depth and age of a queue, now. */
  readonly lookAtQueue: QueueLook;
}

export async function createBridge(options: BridgeOptions): Promise<CuttableBridge> {
  const connector = await createConnector(options.connection);
  return assemble(options, connector);
}

function assemble(options: BridgeOptions, connector: Connector): CuttableBridge {
  const { prefix, lockDurationMs, duplicateWindowMs, logger } = options;
  const { clock: system = { now: Date.now } } = options;
  const time = createTimeSource(system);
  const clock = createBrokerClock({ system, onSkew: (aheadMs) => logger.warn(skewText(aheadMs)) });
  const load = new Load({ lockDurationMs, time, logger });
  const toPath = (entity: string): string => `${prefix}${entity}`;
  const endpoint = `${connector.host}:${connector.port}`;
  const senders = createSenders(() => connector.createClient('sending'));
  const closing = new AbortController();
  const { signal } = closing;
  const delivery = createDelivery({ senders, toPath, endpoint, duplicateWindowMs, closing: signal });
  const publisher = new Publisher({ senders, delivery, clock, logger });
  const taking = createConnectionPool(() => connector.createClient('taking'));
  const topology = createTopologyKeeper({ ...options, connector, endpoint, toPath });
  const pumps = new Set<Pump>();
  const shelves = new Set<{ close(): Promise<void> }>();

  const keep = <P extends Pump>(pump: P): P => {
    pumps.add(pump);
    return pump;
  };
  const sessions = new Map<string, SessionCounts>();
  const countsOf = (entity: string): SessionCounts => {
    const known = sessions.get(entity) ?? newSessionCounts();
    sessions.set(entity, known);
    return known;
  };
  const sessionContext = (entity: string): SessionPumpContext => ({
    path: toPath(entity),
    counts: countsOf(entity),
    pool: createConnectionPool(() => connector.createClient('committing')),
    lockDurationMs,
    time,
    clock,
    load,
    logger,
  });
  const pumpTasks = (task: TaskPumpOptions, deadLetters: boolean): Pump => {
    const path = toPath(task.entity);
    return keep(
      new TaskPump(task, { path, deadLetters, pool: taking, lockDurationMs, time, clock, load, logger }),
    );
  };

  return {
    endpoint,
    clock,
    ensureTopology: (entities) => topology.ensure(entities),
    publish: (messages, when) => publisher.publish(messages, when),
    cancelScheduled: (entity, sequenceNumbers) => publisher.cancelScheduled(entity, sequenceNumbers),
    pumpSessions: (session) => keep(new SessionPump(session, sessionContext(session.entity))),
    pumpTasks: (task) => pumpTasks(task, false),
    pumpDeadLetters: (task) => pumpTasks(task, true),
    pumpNamedSession: (named) => keep(new NamedSessionPump(named, sessionContext(named.entity))),
    deferredStore: (entity) => {
      const deferredStore = createDeferredStore(
        () => connector.createClient('taking'),
        toPath(entity),
        endpoint,
      );
      shelves.add(deferredStore);
      return deferredStore;
    },
    listSessions: async (entity, page) => {
      const { client, watch } = connector.createClient('taking');
      try {
        return await watch.within(() => listSessions(client, toPath(entity), page));
      } catch (thrown) {
        throw toQuorateError(thrown, `listing the sessions of ${toPath(entity)} at ${endpoint}`);
      } finally {
        await closeInTime(client.close());
      }
    },
    get connections() {
      return connector.open.count;
    },
    cut: () => connector.open.cut(),
    connected: () => connector.open.connected(),
    lookAtQueue: createQueueLook({
      ...options,
      connector,
      pool: taking,
      endpoint,
      toPath,
      now: () => clock.now(),
    }),
    readings: {
      sessions,
      get share() {
        return load.share;
      },
    },
    async close() {
      await Promise.all([...pumps].map((pump) => pump.stop()));
      await Promise.all([...shelves].map((deferredStore) => deferredStore.close()));
      closing.abort();
      await publisher.close();
      await taking.close();
    },
  };
}
