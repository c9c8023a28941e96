// One accept of a session on a pooled client, which may be answered too late or never.
import type { ServiceBusSessionReceiver } from '@azure/service-bus';
import type { PooledClient } from '../connection/connection-pool.ts';
import { isConnectionTrouble } from '../connection/errors.ts';
import { atMost } from '../time/waiting.ts';

const CLOSE_LIMIT_MS = 2_000;

/** Rejects when no session came, and then has released the link. */
export async function acceptOn(
  link: PooledClient,
  accept: () => Promise<ServiceBusSessionReceiver>,
): Promise<ServiceBusSessionReceiver> {
  let accepting: Promise<ServiceBusSessionReceiver> | undefined;
  const reply = await link.watch.run(() => {
    accepting = accept();
    return accepting;
  });
  if (reply.kind === 'done') return reply.value;
  // Should it be answered after all, nobody is left to hold the lock.
  if (reply.kind === 'cancelled') void accepting?.then(giveBack, () => {});
  if (reply.kind === 'cancelled' || isConnectionTrouble(reply.error)) link.retire();
  link.release();
  throw reply.kind === 'failed' ? reply.error : (reply.why ?? new Error('The connection was lost.'));
}

export function giveBack(receiver: ServiceBusSessionReceiver): Promise<void> {
  return atMost(CLOSE_LIMIT_MS, receiver.close());
}
