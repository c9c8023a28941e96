// Traces of a process of the command line: no SDK module is loaded unless --trace-file or an OTEL_* variable asks for them.
// A file is asked for by a person, who waits for it: where the SDK is not installed, that is an error. A variable is often set
// for every service of a platform: there it is one warning, and the process starts.
import { loadTelemetry } from '../../common/optional-packages.ts';
import type { Environment } from '../../config/resolve.ts';
import { QuorateError } from '../../contract/errors.ts';
import type { Logger } from '../../contract/ports.ts';
import { isTracing } from '../../observability/telemetry.ts';

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
