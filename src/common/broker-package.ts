// The embedded broker is a package of its own, which production images leave out: it is loaded on demand.
import type * as BrokerPackage from 'quorate-broker';
import type * as BrokerCommands from 'quorate-broker/cli';
import { explainImport } from './missing-package.ts';

/** Throws PACKAGE_MISSING. */
export function loadBroker(): Promise<typeof BrokerPackage> {
  return import('quorate-broker').catch(explain);
}

/** Throws PACKAGE_MISSING. */
export function loadBrokerCommands(): Promise<typeof BrokerCommands> {
  return import('quorate-broker/cli').catch(explain);
}

function explain(failure: unknown): never {
  throw explainImport(failure, 'quorate-broker', 'the embedded broker');
}
