// What the bench adds to the entities of the application: a subscription that keeps the outputs, and the raw loop's queue.
import { declareAtRunning, readBrokerRecord } from 'quorate/broker';

export const RAW_QUEUE = 'raw';
export const OUTPUTS = 'outputs';

const DUPLICATES = {
  requiresDuplicateDetection: true,
  duplicateDetectionHistoryTimeWindow: 'PT10M',
} as const;

export async function declareEntities(data: string): Promise<void> {
  const record = readBrokerRecord(data);
  if (record === undefined) throw new Error(`no broker runs on ${data}`);
  await declareAtRunning(record, {
    queues: [
      // Set as the runtime sets an actor's queue.
      {
        name: RAW_QUEUE,
        requiresSession: true,
        lockDuration: 'PT30S',
        maxDeliveryCount: 2_147_483_647,
        ...DUPLICATES,
      },
    ],
    topics: [{ name: 'events', ...DUPLICATES, subscriptions: [{ name: OUTPUTS }] }],
  });
}
