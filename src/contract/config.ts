// The configuration: one schema, every field documented. `defineConfig` gives types; `parseConfig` checks at the border.

import type { AnyStateMachine } from 'xstate';
import { z } from 'zod';
import type { Answer, Json } from './json.ts';
import type { PayloadCodec, PayloadStore } from './payload.ts';
import type { Logger } from './ports.ts';

/** What an agent gets with each task. */
export interface AgentContext {
  /** Idempotency key: the same for every attempt at this task. Give it to whatever you call. */
  readonly key: string;
  /** From 1. */
  readonly attempt: number;
  /** Aborts on time-out, on shutdown and when the task's lock is lost. */
  readonly signal: AbortSignal;
  /** Epoch ms after which the asker no longer waits, by the broker's clock: from `Date.now()` only as far as this machine agrees with it. */
  readonly deadlineAt: number;
  readonly logger: Logger;
  /** Stores a large JSON value and gives its reference. */
  readonly payloads: PayloadStore;
  /** Sends one piece of the answer ahead. Pieces reach the machine in the order of the calls, and before the answer. */
  readonly partial: (value: Json) => Promise<void>;
}

export interface RetryPolicy {
  /** Attempts in all, the first included. Default 3. */
  readonly attempts?: number;
  /** Delay before the second attempt in ms; doubles each time. Default 1,000. */
  readonly backoffMs?: number;
  /** Default 60,000. */
  readonly maxBackoffMs?: number;
}

interface AgentCommon {
  /** Tasks at once in this process. Default 8; for CPU agents the number of workers. */
  readonly concurrency?: number;
  /** One attempt, in ms. Default 60,000. */
  readonly timeoutMs?: number;
  /** From asking to giving up, over all attempts, in ms. Default 600,000. */
  readonly deadlineMs?: number;
  readonly retry?: RetryPolicy;
}

/** Runs on the event loop: model calls, tools, I/O. Throw an error with `retryable: false` to fail at once. */
export interface IoAgent extends AgentCommon {
  // oxlint-disable-next-line typescript/no-explicit-any -- the border to users' own input types
  readonly run: (input: any, context: AgentContext) => Promise<Answer> | Answer;
}

/** Runs in a worker thread: an exported `(input, { key, attempt }) => output` of a module. */
export interface CpuAgent extends AgentCommon {
  readonly module: URL | string;
  readonly export: string;
}

export type AgentConfig = IoAgent | CpuAgent;

/** What a `migrate` gives where more is to be said than the snapshot. A name is the path of a state, or the id of a child. */
export interface Migration {
  readonly snapshot: Json;
  /** Old name -> new name: timers, invokes and children of these follow. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Old names: timers of these are cancelled, invokes and children stopped. */
  readonly dropped?: readonly string[];
}

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

export type Role = 'actors' | 'agents';

export interface QuorateConfig {
  /** Machine type -> where it is. A type is 1 to 40 of [a-zA-Z0-9_-]. */
  readonly machines: Readonly<Record<string, MachineConfig>>;
  readonly agents?: Readonly<Record<string, AgentConfig>>;
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
  /** Port of /healthz and /readyz; 0 = any free one. Default: none. Env QUORATE_HEALTH_PORT. */
  readonly healthPort?: number;
  /** Where it listens. Default 127.0.0.1; probes from outside a container need 0.0.0.0. Env QUORATE_HEALTH_HOST. */
  readonly healthHost?: string;
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

const MACHINE_TYPE = /^[a-zA-Z0-9_-]{1,40}$/;
const name = z.string().regex(MACHINE_TYPE, 'must be 1 to 40 of a-z, A-Z, 0-9, _ and -');
const location = z.union([z.instanceof(URL), z.string().min(1)]);
const ms = (low: number, high: number) => z.coerce.number().int().min(low).max(high);
const agentCommon = {
  concurrency: z.number().int().min(1).max(1000).optional(),
  timeoutMs: ms(1, 86_400_000).optional(),
  deadlineMs: ms(1, 604_800_000).optional(),
  retry: z
    .strictObject({
      attempts: z.number().int().min(1).max(100).optional(),
      backoffMs: ms(0, 3_600_000).optional(),
      maxBackoffMs: ms(0, 3_600_000).optional(),
    })
    .optional(),
};
const isFunction = (value: unknown): boolean => typeof value === 'function';
const agent = z.union([
  z.strictObject({ run: z.custom<IoAgent['run']>(isFunction, 'must be a function'), ...agentCommon }),
  z.strictObject({ module: location, export: z.string().min(1), ...agentCommon }),
]);
const machine = z.strictObject({
  module: location,
  export: z.string().min(1),
  version: z.string().min(1).max(64),
  versions: z
    .record(z.string().min(1).max(64), z.strictObject({ module: location, export: z.string().min(1) }))
    .optional(),
  migrate: z.string().min(1).optional(),
  onPoison: z.enum(['continue', 'quarantine']).default('continue'),
  machine: z.unknown().optional(),
});

const codec = z.looseObject({
  name: z
    .string()
    .regex(/^[a-z0-9.-]{1,40}$/, 'must be 1 to 40 of a-z, 0-9, . and -')
    .refine((own) => own !== 'br', 'is the name of the compression that is built in'),
  encode: z.custom<PayloadCodec['encode']>(isFunction, 'must be a function'),
  decode: z.custom<PayloadCodec['decode']>(isFunction, 'must be a function'),
});

export const configSchema = z.strictObject({
  machines: z.record(name, machine),
  agents: z.record(name, agent).default({}),
  namespace: z.string().min(1).optional(),
  connectionString: z.string().min(1).optional(),
  prefix: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{0,40}$/, 'must be at most 40 of a-z, A-Z, 0-9, ., _ and -')
    .default(''),
  topology: z.enum(['check', 'apply']).default('check'),
  roles: z
    .preprocess(
      (value) => (typeof value === 'string' ? value.split(',').map((role) => role.trim()) : value),
      z.array(z.enum(['actors', 'agents'])).min(1),
    )
    .default(['actors', 'agents']),
  broker: z.literal('embedded').optional(),
  data: z.string().min(1).default('.quorate'),
  payloadContainer: z.string().min(1).optional(),
  payloadConnectionString: z.string().min(1).optional(),
  payloadCompression: z.enum(['brotli', 'none']).default('brotli'),
  payloadCodecs: z.array(codec).default([]),
  port: z.coerce.number().int().min(0).max(65_535).optional(),
  maxPages: z.coerce.number().int().min(16).optional(),
  inspectorPort: z.union([z.literal(false), z.coerce.number().int().min(0).max(65_535)]).default(0),
  healthPort: z.coerce.number().int().min(0).max(65_535).optional(),
  healthHost: z.string().min(1).default('127.0.0.1'),
  workers: z.coerce.number().int().min(1).max(64).optional(),
  sessions: z.coerce.number().int().min(1).max(2000).default(64),
  lockDurationMs: ms(5_000, 300_000).default(30_000),
  duplicateWindowMs: ms(20_000, 604_800_000).default(600_000),
  retentionMs: ms(0, 31_536_000_000).default(86_400_000),
  turnTimeoutMs: ms(100, 300_000).default(10_000),
  drainMs: ms(0, 3_600_000).default(30_000),
});

/** The configuration with every default filled in. */
export type ResolvedConfig = z.output<typeof configSchema>;

/** Environment variable -> field. A set variable wins over the configuration file. */
export const ENVIRONMENT = {
  QUORATE_NAMESPACE: 'namespace',
  QUORATE_CONNECTION_STRING: 'connectionString',
  QUORATE_PREFIX: 'prefix',
  QUORATE_TOPOLOGY: 'topology',
  QUORATE_ROLES: 'roles',
  QUORATE_BROKER: 'broker',
  QUORATE_DATA: 'data',
  QUORATE_PAYLOAD_CONTAINER: 'payloadContainer',
  QUORATE_PAYLOAD_CONNECTION_STRING: 'payloadConnectionString',
  QUORATE_PAYLOAD_COMPRESSION: 'payloadCompression',
  QUORATE_PORT: 'port',
  QUORATE_MAX_PAGES: 'maxPages',
  QUORATE_INSPECTOR_PORT: 'inspectorPort',
  QUORATE_HEALTH_PORT: 'healthPort',
  QUORATE_HEALTH_HOST: 'healthHost',
  QUORATE_WORKERS: 'workers',
  QUORATE_SESSIONS: 'sessions',
  QUORATE_LOCK_MS: 'lockDurationMs',
  QUORATE_DUPLICATE_WINDOW_MS: 'duplicateWindowMs',
  QUORATE_RETENTION_MS: 'retentionMs',
  QUORATE_TURN_TIMEOUT_MS: 'turnTimeoutMs',
  QUORATE_DRAIN_MS: 'drainMs',
} as const satisfies Record<string, keyof QuorateConfig>;
