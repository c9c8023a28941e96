// The embedded broker is a package of its own, which production images leave out: it is loaded on demand, and where it is
// missing one line says what to install.
import type * as BrokerPackage from 'quorate-broker';
import type * as BrokerCommands from 'quorate-broker/cli';
import { QuorateError } from '../contract/errors.ts';

/** Throws PACKAGE_MISSING. */
export function loadBroker(): Promise<typeof BrokerPackage> {
  return import('quorate-broker').catch(explain);
}

/** Throws PACKAGE_MISSING. */
export function loadBrokerCommands(): Promise<typeof BrokerCommands> {
  return import('quorate-broker/cli').catch(explain);
}

function explain(error: NodeJS.ErrnoException): never {
  // Something that the broker itself needs may be missing as well: that is another fault.
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes("'quorate-broker'")) throw error;
  throw new QuorateError(
    'PACKAGE_MISSING',
    'the embedded broker is not installed: npm install quorate-broker',
    {
      cause: error,
    },
  );
}
