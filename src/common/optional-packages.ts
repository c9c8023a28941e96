// The packages that not everybody installs: the embedded broker, which production images leave out, and the SDK of OpenTelemetry,
// for those who want traces and have none of their own. Each is loaded on demand; where it is missing one line says what to
// install.
import type * as BrokerPackage from 'quorate-broker';
import type * as BrokerCommands from 'quorate-broker/cli';
import type * as OtelPackage from 'quorate-otel';
import { QuorateError } from '../contract/errors.ts';

/** Throws PACKAGE_MISSING. */
export function loadBroker(): Promise<typeof BrokerPackage> {
  return import('quorate-broker').catch(withoutBroker);
}

/** Throws PACKAGE_MISSING. */
export function loadBrokerCommands(): Promise<typeof BrokerCommands> {
  return import('quorate-broker/cli').catch(withoutBroker);
}

/** Throws PACKAGE_MISSING. */
export function loadTelemetry(): Promise<typeof OtelPackage> {
  return import('quorate-otel').catch(withoutOtel);
}

/** Sets the SDK up as the OTEL_* variables say. Throws PACKAGE_MISSING. */
export async function startTelemetryOfProcess(): Promise<void> {
  await import('quorate-otel/auto').catch(withoutOtel);
}

function withoutBroker(failure: unknown): never {
  throw explainImport(failure, 'quorate-broker', 'the embedded broker');
}

function withoutOtel(failure: unknown): never {
  throw explainImport(failure, 'quorate-otel', 'the OpenTelemetry SDK');
}

/** What a failed import of the package becomes: PACKAGE_MISSING, or the failure itself. `what` says what it is for people. */
export function explainImport(failure: unknown, name: string, what: string): unknown {
  // Something that the package itself needs may be missing as well: that is another fault.
  if (!(failure instanceof Error) || !('code' in failure) || failure.code !== 'ERR_MODULE_NOT_FOUND') {
    return failure;
  }
  if (!failure.message.includes(`'${name}'`)) return failure;
  return new QuorateError('PACKAGE_MISSING', `${what} is not installed: npm install ${name}`, {
    cause: failure,
  });
}
