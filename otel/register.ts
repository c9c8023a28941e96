// Sets the OpenTelemetry SDK up. Quorate's command line loads it when a trace is wanted, a service with
// `node --import quorate/otel`. OTEL_* variables win over what is given here.
import { hostname } from 'node:os';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import {
  CONCURRENT_EXPORTS,
  createDelivery,
  createThrottledWarn,
  type Delivery,
  type DeliveryCounts,
  type Warn,
} from './delivery.ts';
import { createFileExporter } from './file-exporter.ts';
import { createIdGenerator } from './id-generator.ts';
import { LINK_LIMIT } from './names.ts';

/** What an unreachable endpoint may cost at the end. */
const SHUTDOWN_LIMIT_MS = 5_000;

/** Where traces go. Variables of OpenTelemetry win over these. */
export interface TelemetryOptions {
  /** OTLP JSON lines are appended to it. */
  readonly traceFile?: string;
  /** Default 'quorate'. OTEL_SERVICE_NAME wins. */
  readonly serviceName?: string;
  /** Base URL of an OTLP/HTTP receiver, such as http://127.0.0.1:4318. Default OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint?: string;
  /** Takes the warnings, at most one of a kind a minute. Default: standard error. */
  readonly warn?: (line: string) => void;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

type Environment = NonNullable<TelemetryOptions['env']>;

/** The SDK as it was started. */
export interface Telemetry {
  /** Per destination. */
  readonly counts: Readonly<Record<string, Readonly<DeliveryCounts>>>;
  /** Exports what is left, for SHUTDOWN_LIMIT_MS at most, and says what was lost. Never rejects. */
  shutdown(): Promise<void>;
}

const STARTED = Symbol.for('quorate.telemetry');
const globals: { [STARTED]?: Promise<Telemetry> | undefined; readonly globalThis: unknown } = globalThis;

/**
 * Starts the OpenTelemetry SDK with an exporter to a file, to an OTLP endpoint, or both. Once a process: a second call gives the telemetry of
 * the first, whatever it asks for.
 *
 * @returns Counts of what was exported, and `shutdown`, which exports what is left.
 * @throws When the trace file cannot be written.
 * @example
 * ```ts
 * const telemetry = await startTelemetry({ traceFile: 'traces.jsonl', serviceName: 'orders' });
 * // ... createRuntime(...), and when it has stopped:
 * await telemetry.shutdown();
 * ```
 */
export function startTelemetry(options: TelemetryOptions = {}): Promise<Telemetry> {
  globals[STARTED] ??= start(options).catch((failure: unknown) => {
    globals[STARTED] = undefined;
    throw failure;
  });
  return globals[STARTED];
}

async function start(options: TelemetryOptions): Promise<Telemetry> {
  const env = options.env ?? process.env;
  const write = options.warn ?? ((line: string) => process.stderr.write(`${line}\n`));
  const warn = createThrottledWarn(write);
  const deliveries = await createDeliveries(options, env, warn);
  const sdk = new NodeSDK({
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': options.serviceName ?? 'quorate',
        'process.pid': process.pid,
        // Without it Jaeger takes each process for a machine of its own, and warns of their clocks.
        'host.name': hostname(),
      }),
    ),
    // The default set exports the command line, which may hold what is private, and waits for the host's id.
    ...(env.OTEL_NODE_RESOURCE_DETECTORS === undefined
      ? { resourceDetectors: [serviceInstanceIdDetector, envDetector] }
      : {}),
    ...(env.OTEL_SPAN_LINK_COUNT_LIMIT === undefined ? { spanLimits: { linkCountLimit: LINK_LIMIT } } : {}),
    idGenerator: createIdGenerator(),
    spanProcessors: [...deliveries],
    metricReaders: [],
    logRecordProcessors: [],
  });
  if (env.OTEL_LOG_LEVEL === undefined) reportSdkWarnings(warn);
  sdk.start();
  let ended: Promise<void> | undefined;
  return {
    counts: Object.fromEntries(deliveries.map(({ destination, counts }) => [destination, counts])),
    shutdown() {
      ended ??= finish(sdk, deliveries, write);
      return ended;
    },
  };
}

async function finish(sdk: NodeSDK, deliveries: readonly Delivery[], write: (line: string) => void) {
  await within(SHUTDOWN_LIMIT_MS, sdk.shutdown());
  for (const { destination, counts } of deliveries) {
    const missing = counts.ended - counts.delivered;
    if (missing > 0) write(`telemetry: ${missing} of ${counts.ended} spans did not reach ${destination}`);
  }
}

async function createDeliveries(
  options: TelemetryOptions,
  env: Environment,
  warn: Warn,
): Promise<readonly Delivery[]> {
  const tuning = batchTuning(env);
  const deliveries: Delivery[] = [];
  const url = tracesUrl(options.endpoint, env);
  if (url !== undefined && env.OTEL_TRACES_EXPORTER !== 'none') {
    const exporter = new OTLPTraceExporter({ url, concurrencyLimit: CONCURRENT_EXPORTS });
    deliveries.push(createDelivery({ exporter, destination: withoutCredentials(url), warn, ...tuning }));
  }
  if (options.traceFile !== undefined) {
    const exporter = await createFileExporter(options.traceFile);
    deliveries.push(createDelivery({ exporter, destination: options.traceFile, warn, ...tuning }));
  }
  return deliveries;
}

/** A variable that is set to nothing counts as not set. */
function tracesUrl(given: string | undefined, env: Environment): string | undefined {
  const base = given ?? env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (given === undefined && env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)
    return env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  return base ? `${base.replace(/\/+$/, '')}/v1/traces` : undefined;
}

function batchTuning(env: Environment) {
  const given = (key: string, name: string): Record<string, number> => {
    const value = Number(env[name]);
    return Number.isInteger(value) && value > 0 ? { [key]: value } : {};
  };
  return {
    ...given('maxQueuedSpans', 'OTEL_BSP_MAX_QUEUE_SIZE'),
    ...given('maxBatchSpans', 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    ...given('delayMs', 'OTEL_BSP_SCHEDULE_DELAY'),
  };
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/\?.*$/, '');
}

function reportSdkWarnings(warn: Warn): void {
  const report = (message: string): void => warn('sdk', message);
  const ignore = (): void => undefined;
  diag.setLogger(
    { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** Whatever comes of `work`: telemetry ends quietly and in time. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
}
