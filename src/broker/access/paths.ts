/** `sb://host:port/queue/$management` -> `queue/$management`; hosts are not compared, a broker has many names. */
export function entityPath(audience: string): string {
  const path = audience.replace(/^[a-z]+:\/\/[^/?]*/i, '').replace(/\?.*$/, '');
  return path.replace(/^\/+|\/+$/g, '').toLowerCase();
}

/** A grant for an entity covers what lies below it, such as its `$management`. */
export function covers(granted: string, wanted: string): boolean {
  return granted === '' || wanted === granted || wanted.startsWith(`${granted}/`);
}
