// Checks paths in a storage: none leads out of the storage's own folder or container.

const SEGMENT = /^[\w.%-]{1,200}$/;

function isPath(path: string): boolean {
  return path.split('/').every((segment) => SEGMENT.test(segment) && !/^\.+$/.test(segment));
}

export function checkPath(path: string): string {
  if (!isPath(path)) throw new RangeError(`not a storage path: ${path.slice(0, 80)}`);
  return path;
}

/** Where the keys of payload stores lie. */
export const KEYS = 'keys';
/** Where marks of what is cancelled lie. */
export const CANCELLED = 'cancelled';
/** Where it lies who runs which task. */
export const TASK_CLAIMS = 'claims';
const RESERVED: ReadonlySet<string> = new Set([KEYS, CANCELLED, TASK_CLAIMS]);

/** Checks the path of a payload or result: keys, marks and claims of tasks are never read, written or removed as one. */
export function checkPayloadPath(path: string): string {
  if (!isPayloadPath(path)) throw new RangeError(`not the path of a payload: ${path.slice(0, 80)}`);
  return path;
}

export function isPayloadPath(path: string): boolean {
  return isPath(path) && !RESERVED.has(path.split('/')[0] ?? '');
}
