// The configuration as types, every field documented. `config/schema.ts` checks it at the border.

import type { AnyStateMachine } from 'xstate';
import type { ConsoleConfig } from './console-config.ts';
import type { Answer, Json } from './json.ts';
import type { PayloadCodec, PayloadStore } from './payload.ts';
import type { Logger } from './ports.ts';
import type { Estimate, Price, Reservation, Usage } from './usage.ts';

/** What an agent gets with each task. */
export interface AgentContext {
  /** Idempotency key: the same for every attempt at this task. Give it to whatever you call. */
  readonly key: string;
  /** From 1. */
  readonly attempt: number;
  /** Aborts on time-out, on shutdown, when the task's lock is lost, and when nobody waits any more (TASK_CANCELLED). */
  readonly signal: AbortSignal;
  /** Epoch ms after which the asker no longer waits, by the broker's clock: from `Date.now()` only as far as this machine agrees with it. */
  readonly deadlineAt: number;
  readonly logger: Logger;
  /** Stores a large JSON value and gives its reference. */
  readonly payloads: PayloadStore;
  /** Sends one piece of the answer ahead. Pieces reach the machine in the order of the calls, and before the answer. */
  readonly partial: (value: Json) => Promise<void>;
  /**
   * Gives a piece to those who read along (`client.stream`), past the actor: no turn, no message to it. Never waits and never throws: what
   * cannot be stored is logged and left out, and so is a piece of more than 64 KB.
   */
  readonly stream: (chunk: Json) => void;
  /**
   * Says what a call used; what several say adds up. Call it also where an answer is of no use: it was paid for. One that cannot be
   * read is logged and left out, and fails nothing.
   */
  readonly usage: (usage: Usage) => void;
  /** Reserves what a call will use at most, and resolves when it may begin. What is not settled counts as it was reserved. */
  readonly reserve: (estimate: Estimate) => Promise<Reservation>;
  /** The limit that let this attempt through; undefined for an agent without one. */
  readonly limit?: string | undefined;
}

/** What all processes together may use of something that others provide. What is left out is not limited. */
export interface LimitConfig {
  readonly requestsPerMinute?: number | undefined;
  /** Input and output together, as they are estimated; what a call used beyond its estimate is waited for later. */
  readonly tokensPerMinute?: number | undefined;
  /** Calls at once. */
  readonly concurrent?: number | undefined;
  /** What becomes of tasks while its calls fail: they wait (default), or fail at once with LIMIT_OPEN. */
  readonly onOpen?: 'wait' | 'fail' | undefined;
  /** Another limit that lets calls through while this one is closed; `context.limit` says which one it was. */
  readonly fallback?: string | undefined;
  /** Where processes are configured differently the highest counts, until a client has set another. Default 0. */
  readonly revision?: number | undefined;
}

/**
 * How many retries an agent may have in a process: those over it are put off until they are within it, at most to their deadline.
 * Waits that the other side asked for do not count.
 */
export interface RetryBudget {
  /** Of first attempts: 0.2 is a retry for every five. Default 0.2. */
  readonly share?: number | undefined;
  /** And so many a second whatever is asked, of which ten seconds' worth is kept. Default 10. */
  readonly perSecond?: number | undefined;
}

/** How often a task is tried, and how long between. Of an agent: `retry`. */
export interface RetryPolicy {
  /** Attempts in all, the first included; one after a wait that the other side asked for is the same attempt. Default 3. */
  readonly attempts?: number;
  /** Longest delay before the second attempt in ms, of which a random part is waited; doubles each time. Default 1,000. */
  readonly backoffMs?: number;
  /** Default 60,000. */
  readonly maxBackoffMs?: number;
  /** Bounds the retries of an agent in this process, or false. */
  readonly budget?: RetryBudget | false;
}

interface AgentCommon {
  /** Tasks at once in this process. Default 8; for CPU agents the number of workers. */
  readonly concurrency?: number;
  /** One attempt, in ms. Default 60,000. */
  readonly timeoutMs?: number;
  /** From asking to giving up, over all attempts, in ms. Default 600,000. */
  readonly deadlineMs?: number;
  readonly retry?: RetryPolicy;
  /**
   * No two processes run a task of it, also where the lock of its message is lost while it runs; and who cancels it tells the
   * process that runs it. Costs two writes in the store a task. Default: true for I/O agents, false for those of a module.
   */
  readonly exclusive?: boolean;
  /**
   * Its work is shared between tenants by weight, and within one by priority and age (docs/control.md, "Lanes"): what cannot begin soon
   * waits at its askers. A weight is more than 0; tenants that are not named have 1. Default: first come, first served.
   */
  readonly lane?: boolean | { readonly weights: Readonly<Record<string, number>> };
  /** The model that it uses, where its reports name none: what is looked for in `prices`. */
  readonly model?: string;
  /** What an attempt with this input uses at most. Counts where nothing better is said: for attempts that were cut, or lost. */
  // oxlint-disable-next-line typescript/no-explicit-any -- the border to users' own input types
  readonly estimate?: (input: any) => Estimate;
  /** One of `limits`: an attempt begins when it lets it through. */
  readonly limit?: string;
}

/**
 * Runs on the event loop: model calls, tools, I/O. What an error of it leads to is read from the error (docs/control.md); to say it
 * yourself throw `throttled({ retryAfterMs })`, `permanent()` or `failure(kind)`. `retryable: false` on an error means permanent.
 */
export interface IoAgent extends AgentCommon {
  // oxlint-disable-next-line typescript/no-explicit-any -- the border to users' own input types
  readonly run: (input: any, context: AgentContext) => Promise<Answer> | Answer;
  /** Called when a runtime that has this agent has stopped: lets go of what the agent opened. */
  readonly close?: () => Promise<void> | void;
}

/** What an agent in a worker thread gets with each task. */
export interface ModuleAgentContext
  extends Pick<AgentContext, 'key' | 'attempt' | 'deadlineAt' | 'signal' | 'usage' | 'stream'> {}

/**
 * Runs in a worker thread: an exported `(input, context: ModuleAgentContext) => output` of a module. One that has not ended a
 * second after its `signal` aborted loses its thread.
 */
export interface CpuAgent extends AgentCommon {
  readonly module: URL | string;
  readonly export: string;
}

/** An agent: a function on the event loop, or one in a worker thread. */
export type AgentConfig = IoAgent | CpuAgent;

/** What a `migrate` gives where more is to be said than the snapshot. A name is the path of a state, or the id of a child. */
export interface Migration {
  readonly snapshot: Json;
  /** Old name -> new name: timers, invokes and children of these follow. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Old names: timers of these are cancelled, invokes and children stopped. */
  readonly dropped?: readonly string[];
}

/** Where a machine is, which version it has, and what becomes of actors of other versions. `M` types it: `defineMachine<typeof m>`. */
export interface MachineConfig<M extends AnyStateMachine = AnyStateMachine> {
  /** The module that exports the machine; loaded in worker threads only. */
  readonly module: URL | string;
  readonly export: string;
  readonly version: string;
  /** Older versions that stay in use: an actor of one of them keeps it to its end. */
  readonly versions?: Readonly<Record<string, { readonly module: URL | string; readonly export: string }>>;
  /** Export of `module`, `(snapshot, from) => snapshot | Migration`, pure: moves an actor of any other version to this one. */
  readonly migrate?: string;
  /**
   * What becomes of an actor with a poison message: 'continue' (default) without it, or 'quarantine'. What nobody can send again
   * (a timer, an answer, a child's end) ends the actor in error, or is held by the quarantine.
   */
  readonly onPoison?: 'continue' | 'quarantine';
  /** Types only: what the client is typed by. */
  readonly machine?: M;
}

/** When new runs are refused: OVERLOADED. */
export interface AdmissionConfig {
  /** In ms: refused while no task of some agent waited less than this in its queue, for a whole interval. */
  readonly maxWaitMs: number;
  /** In ms. Default 5,000. */
  readonly intervalMs?: number | undefined;
}

/** A topic for broadcasts: one message, of which the agent of each subscription gets a copy. */
export interface TopicConfig {
  /** Name -> agent. The name is that of the branch in plans, answers and task keys. */
  readonly subscriptions: Readonly<Record<string, string>>;
}

/** What all runs of a tenant together may use in a UTC day. At least one of the two. */
export interface TenantBudget {
  readonly usdPerDay?: number | undefined;
  /** Input and output together. */
  readonly tokensPerDay?: number | undefined;
  /** Raise it to overrule what was changed by `client.budgets.set`. Default 0. */
  readonly revision?: number | undefined;
}

/** How people hear of new questions (docs/questions.md). */
export interface AsksConfig {
  /** An URL that each new question is posted to as JSON, or an agent that gets it as its task. Both may see one twice, with the same `id`. */
  readonly notify?:
    | { readonly url: string; readonly headers?: Readonly<Record<string, string>> | undefined }
    | { readonly agent: string }
    | undefined;
}

export type Role = 'actors' | 'agents';

/** What a host runs and where. Only `machines` is needed; a variable of the environment wins over its field (docs/configuration.md). */
export interface QuorateConfig extends ConsoleConfig {
  /** Machine type -> where it is. A type is 1 to 40 of [a-zA-Z0-9_-]. */
  readonly machines: Readonly<Record<string, MachineConfig>>;
  readonly agents?: Readonly<Record<string, AgentConfig>>;
  /** Topics that scatters publish to: name -> its subscriptions, each with the agent that does its copies. */
  readonly topics?: Readonly<Record<string, TopicConfig>>;
  /** Tenant -> what all its runs together may use in a UTC day (docs/control.md). */
  readonly budgets?: Readonly<Record<string, TenantBudget>>;
  /** Model -> what it costs, in USD (docs/control.md). */
  readonly prices?: Readonly<Record<string, Price>>;
  /** Name -> what all processes together may use (docs/control.md). An agent names one as `limit`. */
  readonly limits?: Readonly<Record<string, LimitConfig>>;
  /** Refuses new runs while tasks wait too long (docs/control.md). */
  readonly admission?: AdmissionConfig;
  /** Follows what people order of all processes while they run, such as a pause of an agent or another price (docs/control.md). Default false. Env QUORATE_AT_RUN_TIME. */
  readonly atRunTime?: boolean;
  /** Tells people of new questions (docs/questions.md). */
  readonly asks?: AsksConfig;
  /** `<name>.servicebus.windows.net`, with DefaultAzureCredential. Env QUORATE_NAMESPACE. */
  readonly namespace?: string;
  /** Env QUORATE_CONNECTION_STRING. */
  readonly connectionString?: string;
  /** Put before every entity name. Env QUORATE_PREFIX. */
  readonly prefix?: string;
  /** 'check' (default) needs no Manage right; 'apply' creates what is missing. Env QUORATE_TOPOLOGY. */
  readonly topology?: 'check' | 'apply';
  /** What this process takes on: 'actors' (turns), 'agents' (tasks). Default: both. Env QUORATE_ROLES, comma-separated. */
  readonly roles?: readonly Role[];
  /** Asks for the embedded broker also with NODE_ENV=production. Env QUORATE_BROKER. */
  readonly broker?: 'embedded';
  /** Folder of the embedded broker, results and payloads. Default `.quorate`. Env QUORATE_DATA. */
  readonly data?: string;
  /** Container of Blob storage for what is large: its URL, with DefaultAzureCredential, or its name. Default: a folder of `data`. Env QUORATE_PAYLOAD_CONTAINER. */
  readonly payloadContainer?: string;
  /** Of the storage account, where `payloadContainer` is a name. Env QUORATE_PAYLOAD_CONNECTION_STRING. */
  readonly payloadConnectionString?: string;
  /** Default 'brotli'. Env QUORATE_PAYLOAD_COMPRESSION. */
  readonly payloadCompression?: 'brotli' | 'none';
  /** Applied to payloads after compression, in this order, and undone by name: encryption, for example. */
  readonly payloadCodecs?: readonly PayloadCodec[];
  /** Port of the embedded broker. Default 5672, else the next free one. Env QUORATE_PORT. */
  readonly port?: number;
  /** Page limit of the embedded broker's store (4 KiB each). Env QUORATE_MAX_PAGES. */
  readonly maxPages?: number;
  /** Inspector's port; 0 = any free one, false = none. Default 0. Env QUORATE_INSPECTOR_PORT. */
  readonly inspectorPort?: number | false;
  /** Port of /healthz, /readyz, /metrics and /scale/<agent>; 0 = any free one. Default: none. Env QUORATE_HEALTH_PORT. */
  readonly healthPort?: number;
  /** Where it listens. Default 127.0.0.1; probes from outside a container need 0.0.0.0. Env QUORATE_HEALTH_HOST. */
  readonly healthHost?: string;
  /** Has one process at a time look at the depth of the queues, every so many ms. Default: never. Env QUORATE_QUEUE_METRICS_MS. */
  readonly queueMetricsMs?: number;
  /** Worker threads. Default: the machine's cores, 2 to 4. Env QUORATE_WORKERS. */
  readonly workers?: number;
  /** Sessions held at once per machine type. Default 64. Env QUORATE_SESSIONS. */
  readonly sessions?: number;
  /** Lock of sessions and tasks in ms, 5,000 to 300,000. Default 30,000. Env QUORATE_LOCK_MS. */
  readonly lockDurationMs?: number;
  /** Duplicate detection window in ms, 20,000 to 604,800,000. Default 600,000. Env QUORATE_DUPLICATE_WINDOW_MS. */
  readonly duplicateWindowMs?: number;
  /** How long an ended actor is remembered, in ms. Default 86,400,000 (a day). Env QUORATE_RETENTION_MS. */
  readonly retentionMs?: number;
  /** Longest a turn may run in ms before its thread is stopped. Default 10,000. Env QUORATE_TURN_TIMEOUT_MS. */
  readonly turnTimeoutMs?: number;
  /** Grace of a shutdown for running tasks in ms. Default 30,000. Env QUORATE_DRAIN_MS. */
  readonly drainMs?: number;
}

/** The schema leaves `undefined` where a field was given so. */
type Loose<T> = { readonly [K in keyof T]: object extends Pick<T, K> ? T[K] | undefined : T[K] };

type ResolvedAgent =
  | Loose<Omit<IoAgent, 'retry'> & { readonly retry?: Loose<RetryPolicy> }>
  | Loose<Omit<CpuAgent, 'retry'> & { readonly retry?: Loose<RetryPolicy> }>;

type ResolvedMachine = Loose<Omit<MachineConfig, 'onPoison' | 'machine'>> & {
  readonly onPoison: 'continue' | 'quarantine';
  readonly machine?: unknown;
};

/** Fields that have a default. */
type Defaulted =
  | 'prefix'
  | 'topology'
  | 'roles'
  | 'data'
  | 'payloadCompression'
  | 'payloadCodecs'
  | 'inspectorPort'
  | 'consolePort'
  | 'consoleHost'
  | 'healthHost'
  | 'sessions'
  | 'lockDurationMs'
  | 'duplicateWindowMs'
  | 'retentionMs'
  | 'turnTimeoutMs'
  | 'drainMs';

/** The configuration with every default filled in. */
export interface ResolvedConfig
  extends Required<Pick<QuorateConfig, Defaulted>>,
    Loose<Omit<QuorateConfig, Defaulted | 'machines' | 'agents' | 'prices' | 'limits' | 'budgets'>> {
  readonly machines: Readonly<Record<string, ResolvedMachine>>;
  readonly agents: Readonly<Record<string, ResolvedAgent>>;
  readonly prices: Readonly<Record<string, Price>>;
  readonly budgets: Readonly<Record<string, TenantBudget>>;
  readonly limits: Readonly<Record<string, LimitConfig>>;
}
