// What was not spent because work was cancelled before it was begun: as its agent estimates it, told to its asker, which has it in its
// books as `saved`. Of one run there may be thousands, so a process adds up for a moment what it drops, and tells each asker once.
// What a process has in hand when it dies is not told: it is never too much.
import type { Bridge, Clock, Logger } from '../../../contract/ports.ts';
import { addRows, type CostRow } from '../../../contract/usage.ts';
import type { InboundMessage, TaskBody, WireMessage } from '../../../contract/wire.ts';
import { hashId } from '../../protocol/ids.ts';
import { keepsBooks, toUsage } from '../../protocol/usage.ts';

const TOLD_AFTER_MS = 250;
/** Messages in a send. */
const AT_ONCE = 500;

interface Asker {
  readonly entity: string;
  readonly sessionId: string;
  readonly execution: string;
  rows: readonly CostRow[];
}

interface Dropped {
  readonly body: Pick<TaskBody, 'execution'>;
  readonly message: Pick<InboundMessage, 'replyTo' | 'replyToSessionId'>;
}

export interface Savings {
  note(task: Dropped, rows: readonly CostRow[]): void;
  /** Tells what is left. */
  stop(): Promise<void>;
}

export interface SavingsOptions {
  /** Of this process and this run of it. */
  readonly process: string;
  readonly bridge: Pick<Bridge, 'publish'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createSavings({ process, bridge, clock, logger }: SavingsOptions): Savings {
  let askers = new Map<string, Asker>();
  let count = 0;
  let timer: NodeJS.Timeout | undefined;

  const tell = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const messages = [...askers.values()].map((asker): WireMessage => {
      const messageId = hashId('saved', process, ++count);
      const { execution, rows, ...to } = asker;
      return toUsage({ ...to, messageId }, { execution, of: 'sum', rows, until: 0 });
    });
    askers = new Map();
    try {
      for (let from = 0; from < messages.length; from += AT_ONCE)
        await bridge.publish(messages.slice(from, from + AT_ONCE));
    } catch (thrown) {
      // No work hangs on it.
      logger.debug('what was saved was not told', { reason: String(thrown) });
    }
  };

  return {
    note: ({ body: { execution }, message }, rows) => {
      const { replyTo: entity, replyToSessionId: sessionId } = message;
      if (rows.length === 0 || entity === undefined || sessionId === undefined || !keepsBooks(entity)) return;
      const name = JSON.stringify([entity, sessionId, execution]);
      const asker = askers.get(name) ?? { entity, sessionId, execution, rows: [] };
      asker.rows = addRows(asker.rows, rows);
      askers.set(name, asker);
      // Virtual time does not wait for what is to be said in a moment of ours.
      timer ??= setTimeout(() => void tell(), clock.skips === true ? 0 : TOLD_AFTER_MS).unref();
    },
    stop: tell,
  };
}
