// The composition root: makes all parts in their order, and closes them in the reverse.
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { createRecordPacker } from '../actors/host/records/packer.ts';
import { createWorkerPool } from '../actors/pool/pool.ts';
import { createCancellations } from '../actors/protocol/cancellations.ts';
import { tellCancelled } from '../actors/protocol/tell-cancelled.ts';
import { type CuttableBridge, createBridge } from '../bridge/bridge.ts';
import { atMost } from '../bridge/time/waiting.ts';
import { toBrokerTopology } from '../bridge/topology/topology.ts';
import { createClient } from '../client/client.ts';
import { checkHandles } from '../common/file-faults.ts';
import { outsideRequests } from '../common/root-context.ts';
import { resolveConfig } from '../config/resolve.ts';
import { type Connection, dataFolderOf, targetOf } from '../config/target.ts';
import type { QuorateConfig, ResolvedConfig } from '../contract/config.ts';
import type { EntityDeclaration } from '../contract/entities.ts';
import { type Bridge, type InspectionSink, type Logger, SILENT, type WorkerPool } from '../contract/ports.ts';
import type { Health, RuntimeInfo, RuntimeOptions } from '../contract/runtime.ts';
import { createControlMailbox } from '../mailbox/control-mailbox.ts';
import { warnOfOtherApi } from '../observability/api-copies.ts';
import { watchEventLoop } from '../observability/metrics/event-loop.ts';
import { toPrometheus } from '../observability/metrics/prometheus.ts';
import { Registry } from '../observability/metrics/registry.ts';
import { openStores, type Stores, unshared } from '../storage/stores.ts';
import { type LocalRuntime, newCounters, type RuntimeCounters, toRuntimeCounters } from './counters.ts';
import { openLocalBroker } from './local-broker.ts';
import { measured, readCounters, readProcess } from './metrics.ts';
import { openPorts } from './ports.ts';
import { announce } from './presence.ts';
import { startPumps } from './pumps.ts';
import { registerMachines } from './registration.ts';

/** Each costs 35 to 40 MB (docs/laboratory/performance.md); turns need few. */
const MAX_DEFAULT_THREADS = 4;
/** One thread is always free for turns, so there are at least two. */
const MIN_THREADS = 2;

/** The longest wait of a start for the pumps' first connection; after that `health()` says how things are. */
const CONNECT_LIMIT_MS = 5_000;

const UNSEEN: InspectionSink = { actor: () => {}, step: () => {} };

/** Hooks of the testing kit between the parts. Users cannot reach them. */
export interface Seam {
  readonly bridge: (bridge: CuttableBridge) => Bridge;
  readonly stores: (stores: Stores) => Stores;
  /** Shared by many runtimes; closed by its maker. */
  readonly pool: WorkerPool;
  /** Limits hold in virtual time. */
  readonly holdsLimits?: boolean;
}

export function createRuntime<C extends QuorateConfig>(
  config: C,
  options: RuntimeOptions = {},
): Promise<LocalRuntime<C>> {
  return outsideRequests(() => composeRuntime(config, options));
}

export async function composeRuntime<C extends QuorateConfig>(
  config: C,
  options: RuntimeOptions,
  seam?: Seam,
): Promise<LocalRuntime<C>> {
  const { logger = SILENT, inspection = UNSEEN, env = process.env } = options;
  const { clock: system = { now: Date.now } } = options;
  warnOfOtherApi(options.logger);
  const resolved = resolveConfig(config, env);
  const undo: (() => Promise<unknown>)[] = [];
  /** Takes every step, also where one before it failed. */
  const unwind = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const step of undo.splice(0).toReversed())
      await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  let stopping: Promise<void> | undefined;
  try {
    const threads = Math.max(
      MIN_THREADS,
      resolved.workers ?? Math.min(MAX_DEFAULT_THREADS, availableParallelism()),
    );
    checkHandles(seam === undefined ? threads : 0);
    const pool = seam?.pool ?? createWorkerPool({ threads, turnTimeoutMs: resolved.turnTimeoutMs });
    if (seam === undefined) undo.push(() => pool.close());
    const registration = await registerMachines(resolved, pool);
    const { entities } = registration;
    const types = [...registration.machines.keys()];

    const target = targetOf(resolved, env['NODE_ENV']);
    const stores = await openStores(resolved, target);
    const alone = unshared(resolved, target);
    if (alone !== undefined)
      logger.warn(`${alone}; set payloadContainer where there are some (docs/operating.md)`);
    undo.push(async () => stores.close());
    const metrics = new Registry();
    const {
      results,
      cancellations: store,
      taskClaims,
      streams,
      payloads: stored,
    } = seam?.stores(stores) ?? stores;
    const payloads = measured(stored, metrics);
    const connection = await openConnection(resolved, env, entities, logger, options.clock !== undefined);
    undo.push(() => connection.close());
    const opened = await createBridge({ ...resolved, ...connection, logger, clock: system });
    const { clock } = opened;
    undo.push(() => opened.close());
    const bridge = seam?.bridge(opened) ?? opened;
    // Who owns the broker has just declared the topology in it.
    if (connection.mode !== 'embedded') await bridge.ensureTopology(entities);

    const counters = newCounters();
    const counted = (): RuntimeCounters => toRuntimeCounters(counters, metrics.sum('quorate.dead_letters'));
    const grace = new AbortController();
    const process = `process-${randomUUID()}`;
    const mailbox = createControlMailbox(bridge, payloads, process);
    undo.push(() => mailbox.close());
    const { isLocal } = stores;
    const telling = { claims: taskClaims, bridge, own: process };
    const cancellations = createCancellations({
      store,
      isLocal,
      clock,
      logger,
      // On one machine they find it as soon by looking.
      ...(isLocal ? {} : { tell: (life, marks) => tellCancelled(life, marks, telling) }),
    });
    const { mode, endpoint } = connection;
    const loop = watchEventLoop();
    undo.push(async () => loop.close());
    const records =
      resolved.index === true ? createRecordPacker({ bridge, clock, logger, host: process }) : undefined;
    if (records !== undefined) {
      const presence = announce(records, {
        id: process,
        config: resolved,
        registration,
        threads,
        counters: counted,
        loop,
        clock,
      });
      undo.push(async () => {
        presence.stop();
        await records.close();
      });
    }
    const pumps = startPumps({
      process,
      mailbox,
      holdsLimits: seam?.holdsLimits === true,
      config: resolved,
      registration,
      entities,
      threads,
      pool,
      bridge,
      results,
      cancellations,
      taskClaims,
      streamStore: streams,
      hasLocalStore: isLocal,
      payloads,
      clock,
      logger,
      inspection,
      counters,
      records,
      metrics,
      shutdown: grace.signal,
    });
    // A runtime that is there is ready: pumps connect in a moment.
    if (seam === undefined && pumps.length > 0) await atMost(CONNECT_LIMIT_MS, opened.connected());
    const client = createClient<C>({
      bridge,
      payloads,
      streams: async () => streams,
      machineTypes: types,
      clock,
      endpoint,
    });
    undo.push(() => client.close());
    undo.push(async () => {
      const timer = setTimeout(
        () => grace.abort(new Error('the process is shutting down')),
        resolved.drainMs,
      );
      await Promise.all(pumps.map((pump) => pump.stop())).finally(() => clearTimeout(timer));
    });

    const health = (): Health => {
      if (stopping !== undefined) return { ready: false, why: 'it is stopping' };
      if (bridge.connections === 0) return { ready: false, why: `no connection to ${endpoint}` };
      return { ready: true };
    };
    const info: RuntimeInfo = {
      mode,
      endpoint,
      dataFolder: dataFolderOf(resolved),
      prefix: resolved.prefix,
      machines: [...registration.machines.values()],
    };
    readCounters(metrics, counters);
    readProcess(metrics, { info, pool, threads, bridge: opened });
    const ports = await openPorts({
      config: resolved,
      entities,
      threads,
      bridge: opened,
      counters,
      registry: metrics,
      loop,
      health,
      logger,
      isVirtual: clock.skips === true,
      more: options.metrics ?? (() => ''),
    });
    // The last to close: it answers while all the rest drains, as not ready but alive.
    undo.unshift(() => ports.close());
    undo.push(() => ports.quiet());

    return {
      info: { ...info, ...(ports.url === undefined ? {} : { health: ports.url }) },
      client,
      metrics: () => toPrometheus(metrics.collect()),
      counters: counted,
      health,
      replaceWorkers: () => pool.replace(),
      stop: () => {
        stopping ??= unwind();
        return stopping;
      },
    };
  } catch (error) {
    await unwind().catch((failure: unknown) => logger.warn(`not all was let go: ${String(failure)}`));
    throw error;
  }
}

async function openConnection(
  config: ResolvedConfig,
  env: NonNullable<RuntimeOptions['env']>,
  entities: readonly EntityDeclaration[],
  logger: Logger,
  hasClock: boolean,
): Promise<Connection> {
  const target = targetOf(config, env['NODE_ENV']);
  if (target.mode !== 'embedded') return { ...target, embedded: false, close: async () => {} };
  const broker = await openLocalBroker({
    data: dataFolderOf(config),
    port: config.port,
    maxPages: config.maxPages,
    topology: toBrokerTopology(entities, config.prefix),
    logger,
    hasClock,
  });
  const { connectionString } = broker;
  return {
    mode: broker.owns() ? 'embedded' : 'joined',
    endpoint: `127.0.0.1:${broker.port}`,
    connection: { kind: 'connectionString', connectionString },
    embedded: true,
    close: () => broker.close(),
  };
}
