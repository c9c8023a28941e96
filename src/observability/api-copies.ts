// A second copy of OpenTelemetry's API in a process: spans go to whichever copy its SDK was registered with. The API hands nothing to a
// copy whose minor version is later than the first one's, and says nothing; so it is said here, once a process.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Logger } from '../contract/ports.ts';
import { isTracing } from './telemetry.ts';

/** Where every copy of line 1 of the API registers. */
const API: unique symbol = Symbol.for('opentelemetry.js.api.1');

interface Registered {
  readonly version?: string;
  readonly trace?: unknown;
}

const globals: { readonly [API]?: Registered | undefined; readonly globalThis: unknown } = globalThis;

let isSaid = false;

/** `logger`: without one, standard error. */
export function warnOfOtherApi(logger: Pick<Logger, 'warn'> | undefined): void {
  const why = isSaid ? undefined : otherApi();
  if (why === undefined) return;
  isSaid = true;
  if (logger === undefined) process.stderr.write(`quorate: ${why}\n`);
  else logger.warn(why);
}

/** An SDK of traces is registered, and not with the copy that Quorate has loaded. */
export function otherApi(registered = globals[API], own = ownVersion): string | undefined {
  if (registered?.trace === undefined || isTracing()) return undefined;
  const { version = 'of an unknown version' } = registered;
  return `no traces: the SDK is registered with @opentelemetry/api ${version}, Quorate has loaded a second copy, ${own()}; 'npm ls @opentelemetry/api' shows both, and "overrides": { "@opentelemetry/api": "${version}" } in the application's package.json leaves one`;
}

function ownVersion(): string {
  try {
    // The package does not export its manifest.
    for (
      let at = dirname(createRequire(import.meta.url).resolve('@opentelemetry/api'));
      at !== dirname(at);
      at = dirname(at)
    ) {
      const { name, version } = manifestIn(at);
      if (name === '@opentelemetry/api' && version !== undefined) return version;
    }
  } catch {
    // Bundled.
  }
  return 'of an unknown version';
}

function manifestIn(folder: string): { readonly name?: string; readonly version?: string } {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as ReturnType<typeof manifestIn>;
  } catch {
    return {};
  }
}
