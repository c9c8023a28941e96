// The schema of the configuration, and the variables that set its fields. The types stand in `contract/config.ts`: they are public,
// and zod is not.
import { z } from 'zod';
import type { IoAgent, QuorateConfig, ResolvedConfig } from '../contract/config.ts';
import { MAX_TENANT_LENGTH } from '../contract/control.ts';
import type { PayloadCodec } from '../contract/payload.ts';

const isFunction = (value: unknown): boolean => typeof value === 'function';
const MACHINE_TYPE = /^[a-zA-Z0-9_-]{1,40}$/;
const name = z.string().regex(MACHINE_TYPE, 'must be 1 to 40 of a-z, A-Z, 0-9, _ and -');
const location = z.union([z.instanceof(URL), z.string().min(1)]);
const flag = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })]);
const ms = (low: number, high: number) => z.coerce.number().int().min(low).max(high);
const agentCommon = {
  concurrency: z.number().int().min(1).max(1000).optional(),
  timeoutMs: ms(1, 86_400_000).optional(),
  deadlineMs: ms(1, 604_800_000).optional(),
  exclusive: z.boolean().optional(),
  retry: z
    .strictObject({
      attempts: z.number().int().min(1).max(100).optional(),
      backoffMs: ms(0, 3_600_000).optional(),
      maxBackoffMs: ms(0, 3_600_000).optional(),
      budget: z
        .union([
          z.literal(false),
          z.strictObject({
            share: z.number().min(0).max(10).optional(),
            perSecond: z.number().min(0.01).max(10_000).optional(),
          }),
        ])
        .optional(),
    })
    .optional(),
  lane: z
    .union([
      z.boolean(),
      z.strictObject({
        weights: z.record(z.string().min(1).max(MAX_TENANT_LENGTH), z.number().min(0.01).max(1_000)),
      }),
    ])
    .optional(),
  model: z.string().min(1).max(128).optional(),
  estimate: z.custom<IoAgent['estimate']>(isFunction, 'must be a function').optional(),
  limit: z.string().min(1).optional(),
};
const agent = z.union([
  z.strictObject({
    run: z.custom<IoAgent['run']>(isFunction, 'must be a function'),
    close: z.custom<NonNullable<IoAgent['close']>>(isFunction, 'must be a function').optional(),
    ...agentCommon,
  }),
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

const MICROS = 1_000_000;
/** So exact that a sum of integers is exact (contract/usage.ts). */
const usd = z
  .number()
  .min(0)
  .max(MICROS)
  .refine(
    (price) => Math.abs(price * MICROS - Math.round(price * MICROS)) < 1e-3,
    'must have at most six decimals',
  );
export const priceSchema = z.strictObject({
  inputPerMillion: usd,
  outputPerMillion: usd,
  cachedInputPerMillion: usd.optional(),
  at: z.iso.date('must be a day, YYYY-MM-DD'),
  revision: z.number().int().min(0).max(1_000_000_000).optional(),
});

const amount = z.number().int().min(1).max(1_000_000_000).optional();
const limit = z
  .strictObject({
    requestsPerMinute: amount,
    tokensPerMinute: amount,
    concurrent: z.number().int().min(1).max(100_000).optional(),
    onOpen: z.enum(['wait', 'fail']).optional(),
    fallback: z.string().min(1).optional(),
    revision: z.number().int().min(0).max(1_000_000_000).optional(),
  })
  .refine(
    ({ requestsPerMinute, tokensPerMinute, concurrent }) =>
      requestsPerMinute !== undefined || tokensPerMinute !== undefined || concurrent !== undefined,
    'limits nothing: say requestsPerMinute, tokensPerMinute or concurrent',
  );

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
  topics: z
    .record(
      name,
      z.strictObject({
        subscriptions: z
          .record(name, name)
          .refine((each) => Object.keys(each).length > 0, 'must have at least one'),
      }),
    )
    .optional(),
  budgets: z
    .record(
      // It is part of a session's name.
      z.string().min(1).max(100),
      z
        .strictObject({
          usdPerDay: z.number().min(0).max(1_000_000_000).optional(),
          tokensPerDay: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
          revision: z.number().int().min(0).max(1_000_000_000).optional(),
        })
        .refine(
          ({ usdPerDay, tokensPerDay }) => usdPerDay !== undefined || tokensPerDay !== undefined,
          'limits nothing: say usdPerDay or tokensPerDay',
        ),
    )
    .default({}),
  prices: z.record(z.string().min(1).max(128), priceSchema).default({}),
  limits: z
    .record(
      z.string().regex(/^[a-zA-Z0-9._/|-]{1,80}$/, 'must be 1 to 80 of a-z, A-Z, 0-9, ., _, /, | and -'),
      limit,
    )
    .default({}),
  admission: z
    .strictObject({ maxWaitMs: ms(10, 86_400_000), intervalMs: ms(100, 600_000).optional() })
    .optional(),
  atRunTime: z
    .preprocess((value) => (value === 'true' || value === 'false' ? value === 'true' : value), z.boolean())
    .optional(),
  asks: z
    .strictObject({
      notify: z
        .union([
          z.strictObject({
            url: z.url({ protocol: /^https?$/ }),
            headers: z.record(z.string().min(1), z.string()).optional(),
          }),
          z.strictObject({ agent: name }),
        ])
        .optional(),
    })
    .optional(),
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
  consolePort: z.union([z.literal(false), z.coerce.number().int().min(0).max(65_535)]).default(0),
  consoleHost: z.string().min(1).default('127.0.0.1'),
  consoleBasePath: z
    .string()
    .regex(/^\/[\w./-]*[\w-]$/, 'must be a path like /quorate, without a slash at its end')
    .optional(),
  consoleTokens: z.string().min(1).optional(),
  consoleIdentity: z.literal('entra').optional(),
  index: flag.optional(),
  healthPort: z.coerce.number().int().min(0).max(65_535).optional(),
  healthHost: z.string().min(1).default('127.0.0.1'),
  queueMetricsMs: ms(5_000, 3_600_000).optional(),
  workers: z.coerce.number().int().min(1).max(64).optional(),
  sessions: z.coerce.number().int().min(1).max(2000).default(64),
  lockDurationMs: ms(5_000, 300_000).default(30_000),
  duplicateWindowMs: ms(20_000, 604_800_000).default(600_000),
  retentionMs: ms(0, 31_536_000_000).default(86_400_000),
  turnTimeoutMs: ms(100, 300_000).default(10_000),
  drainMs: ms(0, 3_600_000).default(30_000),
}) satisfies z.ZodType<ResolvedConfig>;

/** Environment variable -> field. A set variable wins over the configuration file. */
export const ENVIRONMENT = {
  QUORATE_AT_RUN_TIME: 'atRunTime',
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
  QUORATE_CONSOLE_PORT: 'consolePort',
  QUORATE_CONSOLE_HOST: 'consoleHost',
  QUORATE_CONSOLE_BASE_PATH: 'consoleBasePath',
  QUORATE_CONSOLE_TOKENS: 'consoleTokens',
  QUORATE_CONSOLE_IDENTITY: 'consoleIdentity',
  QUORATE_INDEX: 'index',
  QUORATE_HEALTH_PORT: 'healthPort',
  QUORATE_HEALTH_HOST: 'healthHost',
  QUORATE_QUEUE_METRICS_MS: 'queueMetricsMs',
  QUORATE_WORKERS: 'workers',
  QUORATE_SESSIONS: 'sessions',
  QUORATE_LOCK_MS: 'lockDurationMs',
  QUORATE_DUPLICATE_WINDOW_MS: 'duplicateWindowMs',
  QUORATE_RETENTION_MS: 'retentionMs',
  QUORATE_TURN_TIMEOUT_MS: 'turnTimeoutMs',
  QUORATE_DRAIN_MS: 'drainMs',
} as const satisfies Record<string, keyof QuorateConfig>;
