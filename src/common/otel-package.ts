// The SDK of OpenTelemetry is a package of its own, which only those install who want traces and have no SDK of their own: it is
// loaded on demand.
import type * as OtelPackage from 'quorate-otel';
import { explainImport } from './missing-package.ts';

/** Throws PACKAGE_MISSING. */
export function loadTelemetry(): Promise<typeof OtelPackage> {
  return import('quorate-otel').catch(explain);
}

/** Sets the SDK up as the OTEL_* variables say. Throws PACKAGE_MISSING. */
export async function startTelemetryOfProcess(): Promise<void> {
  await import('quorate-otel/auto').catch(explain);
}

function explain(failure: unknown): never {
  throw explainImport(failure, 'quorate-otel', 'the OpenTelemetry SDK');
}
