// Waits that end.
import { setTimeout as sleep } from 'node:timers/promises';

/** Some promises of the SDK never settle once the connection is lost while it closes a link. */
export async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, ms);
  await Promise.race([promise.catch(() => {}), limit.promise]);
  clearTimeout(timer);
}

/** A pause that an abort cuts short. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});
}

/** One turn of the event loop: what comes in or is called together is handled together. */
export function immediate(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
