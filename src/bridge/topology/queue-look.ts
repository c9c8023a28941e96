// How many messages are in a queue, and how old the oldest is. With the right to manage the service says it; without it the queue is looked
// into, which takes nothing and counts to a hundred. Of a queue with sessions all sessions are seen.
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import Long from 'long';
import type { Connector } from '../connection/connection.ts';
import type { ConnectionPool } from '../connection/connection-pool.ts';
import { sdkError, toQuorateError } from '../connection/sdk-errors.ts';
import { closeInTime } from '../time/waiting.ts';

export interface QueueDepth {
  readonly by: 'manage' | 'peek';
  /** Messages that wait or are in hand, in whatever process. */
  readonly active: number;
  readonly scheduled: number;
  readonly dead: number;
  /** Of the oldest of the active ones, in ms; 0 without any. Not known where many others, such as timers, lie before it. */
  readonly oldestMs: number | undefined;
  /** There may be more: it was counted to here. */
  readonly isCapped?: true;
}

export type QueueLook = (entity: string) => Promise<QueueDepth>;

/** What is counted by looking. */
const MOST_PEEKED = 100;
/** A right that was missing is asked for again after so long. */
const NO_RIGHT_MS = 600_000;

interface QueueLookOptions {
  readonly connector: Pick<Connector, 'createAdministrationClient' | 'isEmulator'>;
  /** The embedded broker says it too, which emulators do not. */
  readonly embedded?: boolean;
  readonly pool: ConnectionPool;
  readonly endpoint: string;
  readonly toPath: (entity: string) => string;
  /** Epoch ms by the broker's clock. */
  readonly now: () => number;
}

export function createQueueLook(options: QueueLookOptions): QueueLook {
  const { pool, endpoint, toPath, now } = options;
  const counted = createCounter(options);

  return async (entity) => {
    const path = toPath(entity);
    const link = pool.acquire();
    const reply = await link.watch.run(async (): Promise<QueueDepth> => {
      const counts = await counted(path);
      if (counts?.active === 0) return { by: 'manage', ...counts, oldestMs: 0 };
      const found = await peek(link.client.createReceiver(path));
      const active = found.filter(({ state }) => state === 'active');
      const since = active[0]?.enqueuedTimeUtc?.getTime();
      const mayBeBehind = found.length >= MOST_PEEKED || counts !== undefined;
      const oldestMs = since === undefined ? (mayBeBehind ? undefined : 0) : Math.max(0, now() - since);
      if (counts !== undefined) return { by: 'manage', ...counts, oldestMs };
      const dead = await peek(link.client.createReceiver(path, { subQueueType: 'deadLetter' }));
      return {
        by: 'peek',
        active: active.length,
        scheduled: found.filter(({ state }) => state === 'scheduled').length,
        dead: dead.length,
        oldestMs,
        ...(Math.max(found.length, dead.length) < MOST_PEEKED ? {} : { isCapped: true }),
      };
    });
    link.release();
    if (reply.kind === 'done') return reply.value;
    const why = reply.kind === 'failed' ? reply.error : (reply.why ?? new Error('the connection was lost'));
    throw toQuorateError(why, `looking at ${path} at ${endpoint}`);
  };
}

type Counts = Pick<QueueDepth, 'active' | 'scheduled' | 'dead'>;

/** Undefined where the service does not say: without the right, or without this interface. */
function createCounter({
  connector,
  embedded,
}: Pick<QueueLookOptions, 'connector' | 'embedded'>): (path: string) => Promise<Counts | undefined> {
  const maySay = !connector.isEmulator || embedded === true;
  let admin: ReturnType<Connector['createAdministrationClient']> | undefined;
  let refusedAt = Number.NEGATIVE_INFINITY;
  return async (path) => {
    if (!maySay || performance.now() - refusedAt < NO_RIGHT_MS) return undefined;
    admin ??= connector.createAdministrationClient();
    try {
      const { activeMessageCount, scheduledMessageCount, deadLetterMessageCount } =
        await admin.getQueueRuntimeProperties(path);
      return { active: activeMessageCount, scheduled: scheduledMessageCount, dead: deadLetterMessageCount };
    } catch (thrown) {
      if (sdkError(thrown).code === 'MessageEntityNotFoundError') throw thrown;
      refusedAt = performance.now();
      return undefined;
    }
  };
}

/**
 * From the first message on, for a look without a number continues behind the last one. Without bodies, which may be large: the SDK sends
 * that wish, and its types do not name it.
 */
const FROM_THE_FIRST = { fromSequenceNumber: Long.ZERO, omitMessageBody: true };

async function peek(receiver: ServiceBusReceiver): Promise<ServiceBusReceivedMessage[]> {
  try {
    return await receiver.peekMessages(MOST_PEEKED, FROM_THE_FIRST);
  } finally {
    await closeInTime(receiver.close());
  }
}
