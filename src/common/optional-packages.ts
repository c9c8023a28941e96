// The packages that not everybody installs: the embedded broker, which production images leave out; the SDK of OpenTelemetry,
// for traces without an SDK of the application; Blob storage, MCP, the layout of charts and pretty logs. Each is loaded on demand.
// Where it is missing one line says what to install.
import type * as BlobPackage from '@azure/storage-blob';
import type * as McpClientPackage from '@modelcontextprotocol/client';
import type * as McpServerPackage from '@modelcontextprotocol/server';
import type * as McpStdioPackage from '@modelcontextprotocol/server/stdio';
import type * as AiPackage from 'ai';
import type * as ElkPackage from 'elkjs/lib/elk.bundled.js';
import type * as PrettyPackage from 'pino-pretty';
import type * as BrokerPackage from 'quorate-broker';
import type * as BrokerCommands from 'quorate-broker/cli';
import type * as OtelPackage from 'quorate-otel';
import { QuorateError } from '../contract/errors.ts';

const withoutBroker = orMissing('quorate-broker', 'the embedded broker');
const withoutOtel = orMissing('quorate-otel', 'the OpenTelemetry SDK');

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

/** Throws PACKAGE_MISSING. */
export function loadAi(): Promise<typeof AiPackage> {
  return import('ai').catch(orMissing('ai', 'the package of models that agents are made with'));
}

/** Throws PACKAGE_MISSING. */
export function loadBlobStorage(): Promise<typeof BlobPackage> {
  return import('@azure/storage-blob').catch(orMissing('@azure/storage-blob', 'the client of Blob storage'));
}

/** Throws PACKAGE_MISSING. */
export function loadMcpClient(): Promise<typeof McpClientPackage> {
  return import('@modelcontextprotocol/client').catch(
    orMissing('@modelcontextprotocol/client', 'the client of MCP'),
  );
}

/** Throws PACKAGE_MISSING. */
export async function loadMcpServer(): Promise<typeof McpServerPackage & typeof McpStdioPackage> {
  const missing = orMissing('@modelcontextprotocol/server', 'the server of MCP');
  const stdio = await import('@modelcontextprotocol/server/stdio').catch(missing);
  return { ...(await import('@modelcontextprotocol/server')), ...stdio };
}

/** Throws PACKAGE_MISSING. */
export async function loadElk(): Promise<typeof ElkPackage.default> {
  const elk = await import('elkjs/lib/elk.bundled.js').catch(orMissing('elkjs', 'the layout of charts'));
  return elk.default;
}

/** Throws PACKAGE_MISSING. */
export function loadPretty(): Promise<typeof PrettyPackage> {
  return import('pino-pretty').catch(orMissing('pino-pretty', 'the pretty form of logs'));
}

function orMissing(name: string, what: string): (failure: unknown) => never {
  return (failure) => {
    throw explainImport(failure, name, what);
  };
}

/** Gives PACKAGE_MISSING for a failed import of the package, or the failure itself. `what` is its name for people. */
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

/** The line that says what to install, where there is a way without the package. Throws every other failure. */
export function hintOf(failure: unknown): string {
  if (failure instanceof QuorateError && failure.code === 'PACKAGE_MISSING') return failure.message;
  throw failure;
}
