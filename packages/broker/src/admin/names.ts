// What an entity may be called: letters, digits, periods, hyphens, underscores and slashes, a letter or a digit at
// both ends.
import { adminErrors } from './errors.ts';

const MAX_PATH = 260;
const MAX_NAME = 50;
/** Letters, digits, periods, hyphens, underscores and slashes; a letter or a digit at both ends. */
const PATH = /^[A-Za-z0-9]$|^[A-Za-z0-9][\w./~-]*[A-Za-z0-9]$/;
const NAME = /^[A-Za-z0-9$_]$|^[A-Za-z0-9$_][\w.-]*$/;

/** The name of a queue or topic. */
export function checkPath(path: string): void {
  if (path.length > MAX_PATH) throw tooLong(path, MAX_PATH);
  if (!PATH.test(path) || path.includes('//')) throw invalid(path);
}

/** The name of a subscription or rule. */
export function checkName(name: string): void {
  if (name.length > MAX_NAME) throw tooLong(name, MAX_NAME);
  if (!NAME.test(name)) throw invalid(name);
}

function tooLong(name: string, limit: number) {
  return adminErrors.badRequest(
    `The specified name '${name.slice(0, limit)}...' exceeds the ${limit} character limit.`,
  );
}

function invalid(name: string) {
  return adminErrors.badRequest(`The specified name '${name}' contains characters that are not allowed.`);
}
