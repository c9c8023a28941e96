// Starts a broker in a thread of its own and speaks for it. From sources Node runs the `.ts` file, from a build the
// `.js` beside this one.
import { Worker } from 'node:worker_threads';
import { remoteControl } from '../control/control.ts';
import { virtualClockOf } from '../control/virtual-clock.ts';
import { HUNG_AFTER_MS, Pulse, watch } from '../core/pulse.ts';
import { BrokerError } from '../errors.ts';
import type { Broker, BrokerEnd, BrokerOptions, EntityStatus } from '../options.ts';
import type { FromThread, ThreadData, ThreadFailure, ToThread } from './protocol.ts';

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** From sources Node runs the `.ts` file itself, from a build the `.js` beside this one. */
const EXTENSION = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const YOUNG_GENERATION_MB = 24;

/** For tests: another thread in its place. */
export interface ThreadSettings {
  readonly entry?: URL;
  readonly hungAfterMs?: number;
}

/**
 * Runs a broker in a thread of its own, so that a busy application never delays it. Its thread is watched: one that stands still for ten
 * seconds is ended.
 *
 * @param settings For tests of the broker itself.
 * @returns The broker, listening. `closed` resolves when it has stopped or failed.
 * @throws A BrokerError: BROKER_PORT_IN_USE, BROKER_DATA_IN_USE, BROKER_DATA_UNREADABLE, BROKER_TOPOLOGY_INVALID and others.
 * @example
 * ```ts
 * const broker = await startBroker({ data: '.broker', topology: { queues: [{ name: 'orders', requiresSession: true }] } });
 * console.log(broker.connectionString);
 * await broker.stop();
 * ```
 */
export function startBroker(
  { clock: asked, ...options }: BrokerOptions,
  {
    entry = new URL(`./entry${EXTENSION}`, import.meta.url),
    hungAfterMs = HUNG_AFTER_MS,
  }: ThreadSettings = {},
): Promise<Broker> {
  const clock = virtualClockOf(asked);
  const pulse = new Pulse();
  const workerData: ThreadData = {
    kind: 'quorate-broker',
    options,
    time: clock?.shared,
    pulse: pulse.shared,
  };
  const worker = new Worker(entry, {
    // The default young generation keeps 100 MB for garbage that a smaller one collects as fast.
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    workerData,
    name: 'quorate-broker',
  });
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let closedReason: string | undefined;
  /** The end as the thread itself told it. */
  let told: BrokerEnd | undefined;

  return new Promise((resolveStart, rejectStart) => {
    let resolveClosed: (value: BrokerEnd) => void = () => {};
    const closed = new Promise<BrokerEnd>((resolve) => {
      resolveClosed = resolve;
    });
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));

    const end = (reason: string, died: boolean) => {
      watchdog.stop();
      const first = closedReason === undefined;
      closedReason ??= reason;
      const error = new BrokerError('BROKER_STOPPED', `The broker is not running: ${closedReason}.`);
      for (const call of pending.values()) call.reject(error);
      pending.clear();
      rejectStart(error);
      resolveClosed(told ?? { reason: closedReason, ...(died && first ? { died } : {}) });
    };
    const watchdog = watch(
      pulse,
      (line) => {
        // Its port and data are free once it has ended, and not before.
        closedReason = line;
        void worker.terminate().then(() => resolveClosed({ reason: line, died: true }));
      },
      { hungAfterMs },
    );

    const call = (name: ToThread['name'], args: readonly unknown[]): Promise<unknown> => {
      if (closedReason !== undefined) {
        return Promise.reject(
          new BrokerError('BROKER_STOPPED', `The broker is not running: ${closedReason}.`),
        );
      }
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        pending.set(id, { resolve, reject });
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
        worker.postMessage({ id, name, args });
      });
    };

    const stop = async () => {
      if (closedReason === undefined) await call('stop', []).catch(() => {});
      await exited;
    };

    worker.on('message', (message: FromThread) => {
      switch (message.kind) {
        case 'ready':
          return resolveStart({
            port: message.port,
            connectionString: message.connectionString,
            caFile: message.caFile,
            closed,
            now: () => clock?.now() ?? Date.now(),
            ...remoteControl(call),
            declare: async (topology) => void (await call('declare', [topology])),
            status: async () => (await call('status', [])) as EntityStatus[],
            counters: async () => (await call('counters', [])) as Record<string, number>,
            stop,
          });
        case 'refused':
          // Whatever it left open does not keep its end from being told.
          return void worker.terminate().then(() => rejectStart(toError(message.failure)));
        case 'result':
          pending.get(message.id)?.resolve(message.value);
          return void pending.delete(message.id);
        case 'error':
          pending.get(message.id)?.reject(toError(message.failure));
          return void pending.delete(message.id);
        case 'closed':
          told = message.end;
          closedReason ??= message.end.reason;
          // The store is closed by now; what may be left are rhea's heartbeat timers of connections that were cut.
          return void worker.terminate();
      }
    });
    worker.once('error', (error) => end(`its thread failed: ${String(error)}`, true));
    worker.once(
      'exit',
      (code) =>
        void setImmediate(() =>
          end(code === 0 ? 'stopped' : `its thread ended with code ${code}`, code !== 0),
        ),
    );
  });
}

function toError({ code, message, details }: ThreadFailure): BrokerError {
  return new BrokerError(code, message, details);
}
