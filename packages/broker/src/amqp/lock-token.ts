/** Delivery tags carry the lock token as a .NET GUID: its first three fields are little-endian. */
const DOTNET_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** For a message without a lock: as long as one, for clients that look for a token in every tag (azservicebus for Rust). */
export function settledTag(count: number): Buffer {
  const tag = Buffer.alloc(16);
  tag.writeUInt32BE(count >>> 0, 12);
  return tag;
}

export function toDeliveryTag(token: Buffer): Buffer {
  const tag = Buffer.allocUnsafe(16);
  for (let index = 0; index < 16; index += 1) tag[index] = token[DOTNET_ORDER[index] ?? 0] ?? 0;
  return tag;
}
