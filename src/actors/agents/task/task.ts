// What the stages of a task hand to each other, in the order of its way (handler.ts): the task in hand, what was admitted, what
// its attempt came to, and what is to be done about it. Data only.
import type { AgentConfig, RetryPolicy } from '../../../contract/config.ts';
import type { Json } from '../../../contract/json.ts';
import type { ErrorJson, Outcome } from '../../../contract/outcome.ts';
import type { Payloads, ResultStore } from '../../../contract/payload.ts';
import type { Bridge, Clock, Logger, WorkerPool } from '../../../contract/ports.ts';
import type { MachineRef } from '../../../contract/turn.ts';
import type { CostRow, Price } from '../../../contract/usage.ts';
import type { InboundMessage, TaskBody } from '../../../contract/wire.ts';
import type { StandingOrders } from '../../../mailbox/standing-orders.ts';
import type { Cancellations } from '../../protocol/cancellations.ts';
import type { Limit } from '../limit/limits.ts';
import type { TaskPermits } from '../limit/task-limit.ts';
import type { StreamHub } from '../stream/hub.ts';
import type { TaskClaim, TaskClaims } from './claim.ts';
import type { LaneReports } from './lane-reports.ts';
import type { TaskMetrics } from './metrics.ts';
import type { RetryLedger } from './retry-budget.ts';
import type { Savings } from './savings.ts';

export interface TaskCounters {
  /** Attempts begun, answers found in the store, attempts put off for a retry, tasks given up. */
  started: number;
  answeredFromStore: number;
  retried: number;
  /** Put off because the other side asked to wait: the same attempt is made again. */
  waited: number;
  /** Another process ran it: looked at again later. */
  elsewhere: number;
  /** Its limit did not let it through: looked at again later. */
  limited: number;
  /** Its agent is paused: looked at again later. */
  paused: number;
  /** Of those retried: put off longer, since there were too many retries (retry-budget.ts). */
  putOff: number;
  failed: number;
  /** In hand now, and the most there ever were. */
  running: number;
  peak: number;
  /**
   * Nobody waited any more: tasks that were not begun; attempts that were told while they ran; those of them that had not
   * ended a second later; answers that came all the same, and are kept.
   */
  cancelled: number;
  aborted: number;
  ranOn: number;
  late: number;
}

export function newTaskCounters(): TaskCounters {
  const none = {
    started: 0,
    answeredFromStore: 0,
    retried: 0,
    waited: 0,
    elsewhere: 0,
    limited: 0,
    paused: 0,
    putOff: 0,
    failed: 0,
    running: 0,
    peak: 0,
  };
  return { ...none, cancelled: 0, aborted: 0, ranOn: 0, late: 0 };
}

/** What runs when a task comes: an agent of the configuration, or promise logic that a machine brought itself. */
export type Runnable =
  | { readonly kind: 'agent'; readonly config: AgentConfig }
  | { readonly kind: 'logic'; readonly machine: MachineRef; readonly src: string };

/** Of one queue of tasks; put together by the runtime. */
export interface TaskHost {
  readonly name: string;
  readonly entity: string;
  readonly resolve: (task: TaskBody) => Runnable | undefined;
  readonly timeoutMs: number;
  readonly retry: BackoffPolicy;
  /** None where there is to be no budget. */
  readonly budget: RetryLedger | undefined;
  readonly bridge: Pick<Bridge, 'publish' | 'cancelScheduled'>;
  readonly pool: WorkerPool;
  readonly results: ResultStore;
  readonly cancellations: Cancellations;
  /** None where the agent is not exclusive. */
  readonly claims: TaskClaims | undefined;
  /** None where the agent has none. */
  readonly limit: Limit | undefined;
  /** None where nobody can pause it. */
  readonly orders?: Pick<StandingOrders, 'holds' | 'heard'> | undefined;
  readonly payloads: Payloads;
  /** None where nothing can be streamed: a machine's own logic has no context. */
  readonly streams?: StreamHub | undefined;
  /** None where the agent has no lane. */
  readonly lane?: Pick<LaneReports, 'took' | 'ended'> | undefined;
  readonly clock: Clock;
  /** 0 <= n < 1: what is put off together does not come back together. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly counters: TaskCounters;
  readonly metrics: TaskMetrics;
  /** What models cost now. */
  readonly prices: () => Readonly<Record<string, Price>>;
  /** What attempts used is counted here. */
  readonly used: (rows: readonly CostRow[]) => void;
  /** None where no actor's books are kept: a machine's own logic estimates nothing. */
  readonly savings?: Pick<Savings, 'note'> | undefined;
  /** A task names a folder that nobody has signed who has this payload store. */
  readonly onUnsigned: (folder: string) => void;
  /** Aborts when the grace of a shutdown is over: what still runs is handed back. */
  readonly shutdown: AbortSignal;
}

/** When to try again, and how often; how many at once is the budget's. */
export type BackoffPolicy = Required<Omit<RetryPolicy, 'budget'>>;

export const DEFAULT_TIMEOUT_MS = 60_000;
export const DEFAULT_RETRY: BackoffPolicy = { attempts: 3, backoffMs: 1_000, maxBackoffMs: 60_000 };

export interface Task {
  readonly body: TaskBody;
  readonly message: InboundMessage;
  /** Aborts when the lock of its message is lost. */
  readonly lost: AbortSignal;
  /** Of everybody who waits for it: it is cancelled with any of them. None where it is done in any case. */
  readonly marks: readonly string[];
  /** How often it was put off, with this attempt or an earlier one, because the other side asked to wait. */
  readonly waits: number;
  /** How many of these were for its limit, for a pause, or because another process ran it: the other side has asked for nothing. */
  readonly putOffs: number;
  /** Of the span around it. */
  readonly traceparent: string | undefined;
}

/** A task that is to be run. */
export interface Admitted {
  readonly kind: 'run';
  readonly runnable: Runnable;
  /** Where its result and its payloads belong: the folder of its asker's family. */
  readonly family: string;
  /** With its claimed value in its place. */
  readonly input: Json;
  /** When nobody waits any more (epoch ms). */
  readonly deadlineAt: number;
  /** Where its agent is exclusive: to be released when it is settled. */
  readonly claim: TaskClaim | undefined;
  /** Where its agent has a limit: to be ended with the attempt. */
  readonly permits: TaskPermits | undefined;
}

export type Attempt =
  /** `late`: when nobody waited for it any more. */
  | { readonly kind: 'done'; readonly output: Json; readonly late?: true }
  /** `data.failure` of it says what kind of failure it was. */
  | { readonly kind: 'failed'; readonly error: ErrorJson }
  /** Nobody waits for it any more; it was told. */
  | { readonly kind: 'cancelled' };

/** What is to be done about a task, for settle.ts to carry out. */
export type Next =
  /** `family`: where the outcome is stored first. Undefined: it came from there. */
  | { readonly kind: 'answer'; readonly outcome: Outcome; readonly family: string | undefined }
  /** Nobody waits for it any more. */
  | { readonly kind: 'drop'; readonly counted?: 'cancelled' | 'aborted' }
  /** Nobody waits for it any more, but it was done and paid for: it is kept. */
  | { readonly kind: 'keep'; readonly outcome: Outcome; readonly family: string }
  | { readonly kind: 'giveUp'; readonly error: ErrorJson }
  /** `error` is what this attempt failed with; `attempt` is the next one's number, the same one after a wait. */
  | {
      readonly kind: 'retry';
      readonly error: ErrorJson;
      readonly attempt: number;
      readonly waits: number;
      /** By so many ms, since there were too many retries. */
      readonly putOffMs?: number;
      readonly at: number;
      readonly deadlineAt: number;
      readonly family: string;
    }
  /** Another process runs it, its limit does not let it through, or its agent is paused: to be looked at again then. */
  | {
      readonly kind: 'later';
      readonly counted: 'elsewhere' | 'limited' | 'paused';
      readonly at: number;
      readonly deadlineAt: number;
    }
  /** This host stops: another one starts the attempt afresh. */
  | {
      readonly kind: 'handBack';
      readonly deadlineAt: number;
      /** How often a host of it was gone, where its message is a new one for each. */
      readonly lost?: number;
    }
  /** The lock is gone: the task is somebody else's now. */
  | { readonly kind: 'lost' };
