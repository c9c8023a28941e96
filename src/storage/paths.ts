// What a path in a storage may be: nothing that leaves the storage's own folder or container.

const SEGMENT = /^[\w.%-]{1,200}$/;

export function checkPath(path: string): string {
  const segments = path.split('/');
  if (segments.some((segment) => !SEGMENT.test(segment) || /^\.+$/.test(segment)))
    throw new RangeError(`not a storage path: ${path.slice(0, 80)}`);
  return path;
}
