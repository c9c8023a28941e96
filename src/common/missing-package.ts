// An optional package is loaded on demand; where it is missing one line says what to install.
import { QuorateError } from '../contract/errors.ts';

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
