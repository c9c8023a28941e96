// The message that all works send: a kilobyte of body under an id of its own.
import { performance } from 'node:perf_hooks';
import type { ServiceBusMessage } from '@azure/service-bus';

export const BODY = Buffer.alloc(1024, 'x');
export const BATCH = 100;

let last = 0;

export function nextMessage(sessionId?: string): ServiceBusMessage {
  last += 1;
  const messageId = `${process.pid}-${last}`;
  return sessionId === undefined ? { body: BODY, messageId } : { body: BODY, messageId, sessionId };
}

export function nextMessages(count: number): ServiceBusMessage[] {
  return Array.from({ length: count }, () => nextMessage());
}

/** Runs `count` operations, so many at a time; resolves to the seconds that took. */
export async function inFlight(
  width: number,
  count: number,
  operation: (index: number) => Promise<unknown>,
): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await operation(index);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  return (performance.now() - startedAt) / 1000;
}
