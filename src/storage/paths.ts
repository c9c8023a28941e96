// What a path in a storage may be: nothing that leaves the storage's own folder or container.

const SEGMENT = /^[\w.%-]{1,200}$/;

export function isPath(path: string): boolean {
  return path.split('/').every((segment) => SEGMENT.test(segment) && !/^\.+$/.test(segment));
}

export function checkPath(path: string): string {
  if (!isPath(path)) throw new RangeError(`not a storage path: ${path.slice(0, 80)}`);
  return path;
}
