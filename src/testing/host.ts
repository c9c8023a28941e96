// A host as a process of its own, simulated in this one: it can die without a goodbye, and stand still.
import type { CuttableBridge } from '../bridge/bridge.ts';
import type { QuorateConfig } from '../contract/config.ts';
import type { Clock, Logger, WorkerPool } from '../contract/ports.ts';
import { composeRuntime, type LocalRuntime } from '../runtime/runtime.ts';
import type { Effects } from './effects.ts';
import { createLife } from './life.ts';
import type { Recorder } from './places.ts';
import { watchBridge, watchStores } from './seam.ts';
import { ProcessTimers } from './timers.ts';

export interface HostOptions {
  readonly config: QuorateConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pool: WorkerPool;
  readonly recorder: Recorder;
  readonly effects: Effects;
}

export interface SimulatedHost {
  /** What the process still had in hand comes to nothing. Resolves when its connections are cut. */
  kill(): Promise<void>;
  /** Gives what thaws it. */
  freeze(): () => void;
  stop(): Promise<void>;
}

export async function startHost(options: HostOptions): Promise<SimulatedHost> {
  const { config, clock, logger, pool, recorder, effects } = options;
  const life = createLife(recorder);
  let own: CuttableBridge | undefined;
  const timers = new ProcessTimers();
  const runtime: LocalRuntime = await timers.within(() =>
    composeRuntime(
      config,
      { clock, logger, env: {} },
      {
        pool,
        bridge: (bridge) => {
          own = bridge;
          return watchBridge(bridge, life, effects);
        },
        stores: (stores) => watchStores(stores, life),
      },
    ),
  );
  return {
    freeze: () => life.freeze(),
    kill: () => {
      life.kill();
      timers.die();
      const cut = own?.cut() ?? Promise.resolve();
      // What is left finds itself without a connection, and ends; nobody waits for it.
      void cut.then(() => timers.within(() => runtime.stop()).catch(() => {}));
      return cut;
    },
    stop: async () => {
      if (life.dead) return;
      await runtime.stop();
      timers.die();
    },
  };
}
