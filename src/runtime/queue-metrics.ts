// Depth and age of queues, for whom a configuration asks it: one process at a time looks, the one that holds a session of that name, and the
// others try to be it each time. And what a single agent's queue has now, for who scales by it.

import { atMost } from '../bridge/time/waiting.ts';
import type { QueueDepth, QueueLook } from '../bridge/topology/queue-look.ts';
import type { ResolvedConfig } from '../contract/config.ts';
import { agentQueue, type EntityDeclaration, REPLIES } from '../contract/entities.ts';
import { toErrorJson } from '../contract/errors.ts';
import type { Bridge, Logger } from '../contract/ports.ts';
import type { Registry } from '../observability/metrics/registry.ts';
import { concurrencyOf } from './agent-pumps.ts';
import type { ProcessCounters } from './counters.ts';

/** Who holds it looks. */
const SESSION = '$queue-metrics';
/** The session is another's if it does not come by then. */
const ACCEPT_MS = 2_000;
/** What a look that is under way has to end when the process stops. */
const STOP_MS = 2_000;
/** Answers to who scales are at most so old: it asks each process, and often. */
const FRESH_MS = 5_000;

interface QueueMetricsOptions {
  readonly everyMs: number;
  readonly entities: readonly EntityDeclaration[];
  readonly bridge: Pick<Bridge, 'pumpNamedSession'>;
  readonly look: QueueLook;
  readonly registry: Registry;
  readonly logger: Logger;
}

export interface QueueMetrics {
  stop(): Promise<void>;
}

export function startQueueMetrics(options: QueueMetricsOptions): QueueMetrics {
  const { everyMs, entities, bridge, look, registry, logger } = options;
  const queues = entities.filter(({ kind }) => kind === 'queue').map(({ name }) => name);
  const seen = new Map<string, QueueDepth>();
  let session: ReturnType<Bridge['pumpNamedSession']> | undefined;
  let stopped = false;
  let looking: Promise<void> | undefined;
  let saidWhy = false;

  const isMine = async (): Promise<boolean> => {
    session ??= bridge.pumpNamedSession({ entity: REPLIES, sessionId: SESSION, onMessage: () => {} });
    if (session.active === 0) await atMost(ACCEPT_MS, session.ready);
    if (session.active > 0) return true;
    const tried = session;
    session = undefined;
    await tried.stop();
    return false;
  };
  const lookAtAll = async (): Promise<void> => {
    try {
      if (!(await isMine())) return seen.clear();
      // One after another: nobody is in a hurry, and the service counts requests.
      for (const queue of queues) if (!stopped) seen.set(queue, await look(queue));
      saidWhy = false;
    } catch (thrown) {
      seen.clear();
      const { code, message } = toErrorJson(thrown, 'CONNECTION_FAILED');
      logger[saidWhy ? 'debug' : 'warn'](`depths of queues are not known: ${message}`, { code });
      saidWhy = true;
    }
  };
  const tick = (): void => {
    looking ??= lookAtAll().finally(() => {
      looking = undefined;
    });
  };
  const timer = setInterval(tick, everyMs).unref();
  tick();

  const read = (name: 'active' | 'dead' | 'scheduled'): void =>
    registry.read(`quorate.queue.${name}`, (emit) => {
      for (const [queue, depth] of seen) emit(depth[name], queue, depth.by);
    });
  read('active');
  read('dead');
  read('scheduled');
  registry.read('quorate.queue.age', (emit) => {
    for (const [queue, { by, oldestMs }] of seen)
      if (oldestMs !== undefined) emit(oldestMs / 1_000, queue, by);
  });

  return {
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      // A service that does not answer is not waited for.
      if (looking !== undefined) await atMost(STOP_MS, looking);
      seen.clear();
      await session?.stop();
    },
  };
}

/** What an agent's queue has now, and what this process does of it. */
export interface Scale {
  readonly agent: string;
  /** In the queue: what waits, and what is in hand in all processes. */
  readonly messages: number;
  /** Without what this process has in hand. */
  readonly waiting: number;
  /** In hand in this process, and how many it can have. */
  readonly running: number;
  readonly slots: number;
  /** Age of the oldest one; null where it is not known. */
  readonly oldestSeconds: number | null;
  readonly by: QueueDepth['by'];
  /** There may be more messages: they were counted to here. */
  readonly isCapped?: true;
}

interface ScaleOptions {
  readonly config: Pick<ResolvedConfig, 'agents' | 'roles'>;
  readonly threads: number;
  readonly counters: Pick<ProcessCounters, 'agents'>;
  readonly look: QueueLook;
}

export function createScale(options: ScaleOptions): (agent: string) => Promise<Scale | undefined> {
  const { config, threads, counters, look } = options;
  const looks = new Map<string, { readonly at: number; readonly depth: Promise<QueueDepth> }>();
  const depthOf = (agent: string): Promise<QueueDepth> => {
    const known = looks.get(agent);
    const now = performance.now();
    if (known !== undefined && now - known.at < FRESH_MS) return known.depth;
    const depth = look(agentQueue(agent));
    looks.set(agent, { at: now, depth });
    depth.catch(() => looks.delete(agent));
    return depth;
  };
  return async (agent) => {
    const own = Object.hasOwn(config.agents, agent) ? config.agents[agent] : undefined;
    if (own === undefined) return undefined;
    const { active, by, oldestMs, isCapped } = await depthOf(agent);
    const running = counters.agents[agent]?.running ?? 0;
    return {
      agent,
      messages: active,
      waiting: Math.max(0, active - running),
      running,
      slots: config.roles.includes('agents') ? concurrencyOf(own, threads) : 0,
      oldestSeconds: oldestMs === undefined ? null : oldestMs / 1_000,
      by,
      ...(isCapped === undefined ? {} : { isCapped }),
    };
  };
}
