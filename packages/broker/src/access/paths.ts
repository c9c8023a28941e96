/**
 * `sb://host:port/Queue/$management` -> `Queue/$management`: clients write addresses as URLs, as absolute paths or bare.
 * Hosts are not compared, a broker has many names.
 */
export function pathIn(address: string): string {
  const path = address.replace(/^[a-z]+:\/\/[^/?]*/i, '').replace(/\?.*$/, '');
  return path.replace(/^\/+|\/+$/g, '');
}

/** A token may be for a host without a scheme: all of the namespace (Go's `CreateConnectionStringWithSASUsingExpiry`). */
export function scopePath(resource: string): string {
  return entityPath(/^[a-z]+:\/\/|^\//i.test(resource) ? resource : `sb://${resource}`);
}

/** The same for comparing: names have no case. */
export function entityPath(address: string): string {
  return pathIn(address).toLowerCase();
}

/** A grant for an entity covers what lies below it, such as its `$management`. */
export function covers(granted: string, wanted: string): boolean {
  return granted === '' || wanted === granted || wanted.startsWith(`${granted}/`);
}
