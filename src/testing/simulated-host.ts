// Simulates the process of a host in this one. It can die without a goodbye, and freeze. Its timers end with it.
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import type { CuttableBridge } from '../bridge/bridge.ts';
import type { QuorateConfig } from '../contract/config.ts';
import type { Clock, Logger, WorkerPool } from '../contract/ports.ts';
import type { LocalRuntime } from '../runtime/counters.ts';
import { composeRuntime } from '../runtime/runtime.ts';
import type { Effects } from './effects.ts';
import { createLife } from './life.ts';
import type { Recorder } from './places.ts';
import type { ProcessMail } from './process-mail.ts';
import { watchBridge, watchStores } from './seam.ts';

interface HostOptions {
  readonly config: QuorateConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pool: WorkerPool;
  readonly recorder: Recorder;
  readonly effects: Effects;
  readonly mail: ProcessMail;
  readonly holdsLimits: boolean;
}

export interface SimulatedHost {
  /** What the process still had in hand comes to nothing. Resolves when its connections are cut. */
  kill(): Promise<void>;
  /** Gives a function that thaws it. */
  freeze(): () => void;
  stop(): Promise<void>;
}

export async function startHost(options: HostOptions): Promise<SimulatedHost> {
  const { config, clock, logger, pool, recorder, effects, mail, holdsLimits } = options;
  const life = createLife(recorder);
  let own: CuttableBridge | undefined;
  const timers = new ProcessTimers();
  const box = mail.open();
  const runtime: LocalRuntime = await timers.within(() =>
    composeRuntime(
      config,
      { clock, logger, env: {} },
      {
        pool,
        holdsLimits,
        bridge: (bridge) => {
          own = bridge;
          return watchBridge(bridge, life, { effects, mail: box });
        },
        stores: (stores) => watchStores(stores, life),
      },
    ),
  );
  return {
    freeze: () => life.freeze(),
    kill: () => {
      life.kill();
      box.close();
      timers.die();
      const cut = Promise.all([own?.cut(), life.atEnd()]).then(() => {});
      // What is left finds itself without a connection, and ends; nobody waits for it.
      void cut.then(() => timers.within(() => runtime.stop()).catch(() => {}));
      return cut;
    },
    stop: async () => {
      if (life.dead) return;
      await runtime.stop();
      box.close();
      timers.die();
    },
  };
}

// The SDK waits a minute and longer for what a cut connection will never answer. Timers that were set by a simulated
// process keep this one alive no longer than it lives itself.

const owner = new AsyncLocalStorage<ProcessTimers>();
let watching = false;

interface Timer {
  unref(): unknown;
}

function watch(): void {
  if (watching) return;
  watching = true;
  createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'Timeout') owner.getStore()?.add(resource as Timer);
    },
  }).enable();
}

class ProcessTimers {
  #set: WeakRef<Timer>[] = [];
  #dead = false;

  /** Everything that the process does has to be started in here. */
  within<T>(start: () => T): T {
    watch();
    return owner.run(this, start);
  }

  add(timer: Timer): void {
    if (this.#dead) queueMicrotask(() => timer.unref());
    else this.#set.push(new WeakRef(timer));
  }

  die(): void {
    this.#dead = true;
    for (const timer of this.#set.splice(0)) timer.deref()?.unref();
  }
}
