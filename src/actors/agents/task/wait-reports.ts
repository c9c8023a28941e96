// Tells admission how long tasks waited in the queues of this process's agents: for each the least since it was told last, a few times an
// interval. An agent with a free place whose queue gives it nothing has an empty queue, which is said once; a process that rests says
// nothing. Of an agent with a limit, or one that is paused, nobody can say so from here: a place may be free because its tasks are held back.
import type { EventJson } from '../../../contract/json.ts';
import type { Logger } from '../../../contract/ports.ts';
import type { InboundMessage } from '../../../contract/wire.ts';
import { ADMISSION, type Waits } from '../../../control/admission/protocol.ts';
import type { ControlMailbox } from '../../../mailbox/control-mailbox.ts';

/** Reports an interval: a whole one is seen to its end soon after. */
const REPORTS_AN_INTERVAL = 4;

export interface WaitReportOptions {
  readonly maxWaitMs: number;
  readonly intervalMs: number;
  readonly mailbox: Pick<ControlMailbox, 'tell'>;
  readonly logger: Logger;
}

interface Agent {
  readonly concurrency: number;
  /** Something may hold its tasks back in its queue now. */
  readonly isLimited: () => boolean;
  readonly running: () => number;
  /** The least wait since the last report. */
  least: number | undefined;
  /** Its queue was said to be empty, and nothing came since. */
  isIdle: boolean;
}

export interface WaitReports {
  /** Gives what is to be told of each of its tasks as it is handed out. */
  of(
    name: string,
    agent: Pick<Agent, 'concurrency' | 'isLimited' | 'running'>,
  ): (message: Pick<InboundMessage, 'enqueuedAt' | 'deliveredAt'>) => void;
  stop(): void;
}

export function createWaitReports({
  maxWaitMs,
  intervalMs,
  mailbox,
  logger,
}: WaitReportOptions): WaitReports {
  const agents = new Map<string, Agent>();
  let timer: NodeJS.Timeout | undefined;

  const report = (): void => {
    const least: Record<string, number> = {};
    let isAwake = false;
    for (const [name, agent] of agents) {
      const said = waitOf(agent);
      if (said !== undefined) least[name] = said;
      if (said !== undefined) agent.isIdle = said === 0;
      agent.least = undefined;
      isAwake ||= !agent.isIdle && agent.running() > 0;
      isAwake ||= said !== undefined && said > 0;
    }
    if (!isAwake) {
      clearInterval(timer);
      timer = undefined;
    }
    if (Object.keys(least).length === 0) return;
    const waits: Waits = { type: 'waits', least, maxWaitMs, intervalMs };
    mailbox
      .tell({ kind: 'admission', name: ADMISSION }, waits as unknown as EventJson)
      .catch((error: unknown) => {
        // The next report says it again.
        logger.debug('admission was not told how long tasks wait', { reason: String(error) });
      });
  };

  return {
    of: (name, { concurrency, isLimited, running }) => {
      const agent: Agent = { concurrency, isLimited, running, least: undefined, isIdle: true };
      agents.set(name, agent);
      return ({ enqueuedAt, deliveredAt = enqueuedAt }) => {
        agent.least = Math.min(
          agent.least ?? Number.POSITIVE_INFINITY,
          Math.max(0, deliveredAt - enqueuedAt),
        );
        agent.isIdle = false;
        timer ??= setInterval(report, intervalMs / REPORTS_AN_INTERVAL).unref();
      };
    },
    stop: () => clearInterval(timer),
  };
}

/** Undefined where there is nothing to say. */
function waitOf({ least, isIdle, isLimited, concurrency, running }: Agent): number | undefined {
  if (least !== undefined) return least;
  return !isIdle && !isLimited() && running() < concurrency ? 0 : undefined;
}
