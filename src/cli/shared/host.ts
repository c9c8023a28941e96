// One process of an application: traces, logs, inspector and runtime, started in this order and stopped in the reverse.
// Everything heavy is imported on demand, so that the first line is on the screen at once.
import { loadTelemetry } from '../../common/optional-packages.ts';
import { readVersion } from '../../common/version.ts';
import { type Environment, resolveConfig } from '../../config/resolve.ts';
import { dataFolderOf, targetOf } from '../../config/target.ts';
import type { Console } from '../../console/console.ts';
import type { QuorateConfig, ResolvedConfig } from '../../contract/config.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Logger } from '../../contract/ports.ts';
import type { Runtime } from '../../contract/runtime.ts';
import { createLogger, type LogLevel, logLevel } from '../../observability/log.ts';
import { isTracing } from '../../observability/telemetry.ts';
import { consoleOptions } from './console-options.ts';
import { type HostOptions, withFlags } from './options.ts';
import type { Terminal } from './terminal.ts';

export interface Host {
  readonly runtime: Runtime;
  readonly logger: Logger;
  /** Absent where no inspector runs. */
  readonly inspectorUrl?: string;
  /** With its token; absent where no console runs. */
  readonly consoleUrl?: string;
  /** Drains the runtime, then ends inspector and traces. */
  stop(): Promise<void>;
}

interface HostRequest {
  readonly config: QuorateConfig;
  readonly options: HostOptions;
  readonly terminal: Terminal;
  /** Without QUORATE_LOG and --verbose. */
  readonly defaultLevel: LogLevel;
  readonly env?: Environment;
}

export async function startHost(request: HostRequest): Promise<Host> {
  const { config, options, terminal } = request;
  const env = withFlags(request.env ?? process.env, options);
  const resolved = resolveConfig(config, env);
  const logger = await createLogger({
    level: options.verbose ? 'debug' : logLevel(env['QUORATE_LOG'], request.defaultLevel),
    color: terminal.interactive && (env['NO_COLOR'] ?? '') === '',
    stream: { write: (line) => writeLog(line, terminal) },
  });
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const inspector = await startInspector(resolved.inspectorPort, logger);
    if (inspector !== undefined) undo.push(() => inspector.close());
    printBanner(resolved, env, inspector?.url, terminal);
    const telemetry = await startTelemetry(options.traceFile, env, logger);
    if (telemetry !== undefined) undo.push(() => telemetry.shutdown());
    const { createRuntime } = await import('../../runtime/runtime.ts');
    const inspection = inspector === undefined ? {} : { inspection: inspector.sink };
    // A developer's machine has a console from the beginning; a namespace is told where it is asked for.
    const index = resolved.index ?? targetOf(resolved, env['NODE_ENV']).mode === 'embedded';
    let watched: Console | undefined;
    const metrics = (): string => watched?.metrics.text() ?? '';
    const runtime = await createRuntime({ ...config, index }, { logger, env, metrics, ...inspection });
    undo.push(() => runtime.stop());
    inspector?.readStreams(({ type, id }, signal) =>
      runtime.client.stream(type, id, { children: true, signal }),
    );
    const { mode, endpoint, health } = runtime.info;
    if (health !== undefined) {
      terminal.row('health', `${health}/readyz`);
      terminal.row('metrics', `${health}/metrics`);
    }
    watched = await startConsoleOf(resolved, env, runtime, logger);
    undo.push(async () => watched?.close());
    const consoleUrl = watched?.address;
    if (consoleUrl !== undefined) terminal.row('console', consoleUrl);
    terminal.row('ready', mode === 'joined' ? `joined the broker at ${endpoint}` : endpoint);
    return {
      runtime,
      logger,
      stop,
      ...(inspector === undefined ? {} : { inspectorUrl: inspector.url }),
      ...(consoleUrl === undefined ? {} : { consoleUrl }),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Logs and the status line may share a screen. */
function writeLog(line: string, terminal: Terminal): void {
  terminal.clear();
  process.stderr.write(line);
}

/** The first line, before anything heavy is loaded. */
export function printTitle(terminal: Terminal): void {
  terminal.line(terminal.paint('bold', `quorate ${readVersion()}`));
}

/** What is known before the broker runs: a terminal that stays empty for seconds looks broken. */
function printBanner(
  config: ResolvedConfig,
  env: Environment,
  inspectorUrl: string | undefined,
  terminal: Terminal,
): void {
  const target = targetOf(config, env['NODE_ENV']);
  terminal.row('mode', target.mode === 'embedded' ? 'embedded broker' : `Service Bus at ${target.endpoint}`);
  terminal.row('data', dataFolderOf(config));
  terminal.row('inspector', inspectorUrl ?? 'off');
  terminal.row('stop', 'Ctrl+C or SIGTERM drains; a second one stops at once');
}

/** Over a connection of its own: it is the same beside the actors and by itself. */
async function startConsoleOf(
  config: ResolvedConfig,
  env: Environment,
  runtime: Runtime,
  logger: Logger,
): Promise<Console | undefined> {
  if (config.consolePort === false) return undefined;
  const { startConsole } = await import('../../console/console.ts');
  const types = runtime.info.machines.map(({ machine }) => machine.type);
  return startConsole({ ...consoleOptions(config, env), types, logger });
}

async function startInspector(port: number | false, logger: Logger) {
  if (port === false) return undefined;
  const { createInspectorServer } = await import('../../inspector/server.ts');
  return createInspectorServer({ port, logger });
}

// Traces of a process of the command line: no SDK module is loaded unless --trace-file or an OTEL_* variable asks for them.
// A file is asked for by a person, who waits for it: where the SDK is not installed, that is an error. A variable is often set
// for every service of a platform: there it is one warning, and the process starts.

/** Throws PACKAGE_MISSING where a trace file is wanted without `quorate-otel`, CONFIG_INVALID where it cannot be written. */
export async function startTelemetry(
  traceFile: string | undefined,
  env: Environment,
  logger: Logger,
): Promise<{ shutdown(): Promise<void> } | undefined> {
  // A variable that is set to nothing counts as not set.
  const endpoint = env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  if (traceFile === undefined && !endpoint) return undefined;
  const otel = await loadTelemetry().catch((failure: unknown) => {
    if (traceFile !== undefined || !(failure instanceof QuorateError)) throw failure;
    // An SDK that the application brought along takes the spans.
    if (!isTracing()) logger.warn(`no traces: ${failure.message}`, { code: failure.code });
  });
  const warn = (line: string): void => logger.warn(line);
  return otel
    ?.startTelemetry({ env, warn, ...(traceFile === undefined ? {} : { traceFile }) })
    .catch((failure: unknown) => {
      throw ofTraceFile(failure);
    });
}

function ofTraceFile(failure: unknown): unknown {
  if (!(failure instanceof Error && 'code' in failure && failure.code === 'TRACE_FILE_UNWRITABLE')) {
    return failure;
  }
  return new QuorateError('CONFIG_INVALID', failure.message, { cause: failure });
}
