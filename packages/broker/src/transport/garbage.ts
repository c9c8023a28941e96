/**
 * Bytes that were read or written are garbage at once, but V8 lets some hundred megabytes of buffers gather before it
 * looks: a young collection takes less than a millisecond and frees them.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const COLLECT_EVERY_BYTES = 16 * 1024 * 1024;

type Collect = (options: { type: 'minor' }) => void;

let collect: Collect | undefined;
let passed = 0;

/** So many have gone in or out, in buffers of their own. */
export function passedThrough(bytes: number): void {
  passed += bytes;
  if (passed < COLLECT_EVERY_BYTES) return;
  passed = 0;
  collect ??= exposedCollect();
  collect({ type: 'minor' });
}

/** Node hands it out to contexts that are made while the flag is set. */
function exposedCollect(): Collect {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as Collect;
  setFlagsFromString('--no-expose-gc');
  return gc;
}
