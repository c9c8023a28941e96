/** When everything that was said to a peer has left this process. */
import type { Duplex } from 'node:stream';

export async function flushed(stream: Duplex): Promise<void> {
  // What was said in this turn is written at the end of it.
  do await new Promise((resolve) => setImmediate(resolve));
  while (!stream.destroyed && stream.writableLength > 0);
}
