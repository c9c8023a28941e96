// Tells the lane of an agent what this process took out of the agent's queue, and how much it runs: so the lane knows how much room there
// is (control/lane). In batches, a few a second; a process that rests says nothing.
import type { EventJson } from '../../../contract/json.ts';
import type { Bridge, Clock, Logger } from '../../../contract/ports.ts';
import { type InboundMessage, PROPERTY } from '../../../contract/wire.ts';
import type { Began } from '../../../control/lane/protocol.ts';
import { toControl } from '../../protocol/control.ts';
import { hashId } from '../../protocol/ids.ts';

/** Work waits for room: what is free is told at once, and otherwise a few times a second. */
const [SOON_MS, LATER_MS] = [20, 150];
/** Who runs something and says nothing for longer than this, several times over, counts as gone. */
const ALIVE_MS = 5_000;

export interface LaneReports {
  /** A task came out of the queue, whatever becomes of it. */
  took(message: Pick<InboundMessage, 'properties'>): void;
  /** One has ended. */
  ended(): void;
  /** This process takes no more of them. */
  stop(): Promise<void>;
}

export interface LaneReportOptions {
  readonly agent: string;
  /** Of this process and this run of it. */
  readonly process: string;
  readonly concurrency: number;
  readonly running: () => number;
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createLaneReports(options: LaneReportOptions): LaneReports {
  const { agent, process, concurrency, running, bridge, clock, logger } = options;
  let taken: Record<string, number> = {};
  let count = 0;
  let seq = 0;
  let wasFree = true;
  let stopped = false;
  let pending: { readonly timer: NodeJS.Timeout; readonly dueAt: number } | undefined;

  const report = async (slots: number): Promise<void> => {
    const tenants = taken;
    taken = {};
    count = 0;
    seq += 1;
    wasFree = running() < concurrency;
    const began: Began = { type: 'began', process, seq, tenants, concurrency: slots, running: running() };
    const id = hashId('began', agent, process, seq);
    try {
      await bridge.publish([toControl({ kind: 'lane', name: agent }, began as unknown as EventJson, id)]);
    } catch (thrown) {
      // The lane counts what was granted as lost after a while.
      logger.debug('a lane was not told', { agent, reason: String(thrown) });
    }
    if (running() > 0) later(ALIVE_MS);
  };
  /** The sooner of two counts. Virtual time does not wait for what is to be said in a moment of ours. */
  const later = (ms: number): void => {
    if (stopped) return;
    const waitMs = clock.skips === true && ms < ALIVE_MS ? 0 : ms;
    const dueAt = performance.now() + waitMs;
    if (pending !== undefined && pending.dueAt <= dueAt) return;
    clearTimeout(pending?.timer);
    const timer = setTimeout(() => {
      pending = undefined;
      void report(concurrency);
    }, waitMs);
    pending = { timer: timer.unref(), dueAt };
  };

  return {
    took: ({ properties }) => {
      const { [PROPERTY.tenant]: tenant } = properties;
      const name = typeof tenant === 'string' ? tenant : '';
      taken[name] = (Object.hasOwn(taken, name) ? (taken[name] ?? 0) : 0) + 1;
      count += 1;
      // Half of what a tenant may have in the queue is gone, or there is nothing left to do.
      later(count >= concurrency || running() < concurrency ? SOON_MS : LATER_MS);
    },
    ended: () => {
      // That nothing is left to do is news where the last report said that all are busy.
      if (!wasFree) later(LATER_MS);
    },
    stop: async () => {
      stopped = true;
      clearTimeout(pending?.timer);
      if (seq > 0 || Object.keys(taken).length > 0) await report(0);
    },
  };
}
