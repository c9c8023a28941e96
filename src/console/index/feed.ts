// Takes what processes tell from the topic into the index, in the order in which it comes, many bodies in one transaction.
import { CONSOLE_SUBSCRIPTION, RECORDS_TOPIC, subscriptionOf } from '../../contract/entities.ts';
import type { Bridge, Disposition, Logger, Pump } from '../../contract/ports.ts';
import type { IndexRecord } from '../../contract/records.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import type { IndexHandle } from './calls.ts';
import { unpack } from './records.ts';

/** Bodies at once: they come four a second a process. */
const CONCURRENCY = 32;
const DONE: Disposition = { kind: 'complete' };

export interface FeedOptions {
  readonly bridge: Pick<Bridge, 'pumpTasks'>;
  readonly index: Pick<IndexHandle, 'apply'>;
  readonly logger: Logger;
  /** Epoch ms. */
  readonly now: () => number;
  /** Called after records are in the index. */
  readonly onTaken: (records: readonly IndexRecord[]) => void;
}

export interface Feed extends Pump {
  /** Records that could not be read since the start. */
  readonly refused: number;
}

export function startFeed({ bridge, index, logger, now, onTaken }: FeedOptions): Feed {
  let refused = 0;
  let waiting: IndexRecord[] = [];
  let writing: Promise<void> | undefined;
  /** What comes while one write runs is the next one. */
  const write = async (): Promise<void> => {
    await Promise.resolve();
    const records = waiting;
    waiting = [];
    writing = undefined;
    await index.apply(records, now());
    onTaken(records);
  };
  const onMessage = async ({ body }: InboundMessage): Promise<Disposition> => {
    const unpacked = unpack(body);
    if (unpacked.refused > 0) {
      if (refused === 0) logger.warn('the index was told something that it cannot read; it is left out');
      refused += unpacked.refused;
    }
    waiting.push(...unpacked.records);
    writing ??= write();
    // A rejection leaves the message to its lock: it comes again.
    await writing;
    return DONE;
  };
  const pump = bridge.pumpTasks({
    entity: subscriptionOf(RECORDS_TOPIC, CONSOLE_SUBSCRIPTION),
    concurrency: CONCURRENCY,
    onMessage,
  });
  return {
    get refused() {
      return refused;
    },
    get active() {
      return pump.active;
    },
    stop: () => pump.stop(),
  };
}
