// The one queue of the pump's bench, set as the runtime sets an actor's.
import { actorQueue, type EntityDeclaration, MAX_DELIVERY_COUNT } from '../../src/contract/entities.ts';

export const LOCK_MS = 30_000;
export const DUPLICATE_WINDOW_MS = 600_000;
export const QUEUE = actorQueue('pumped');

export const ENTITIES: readonly EntityDeclaration[] = [
  {
    kind: 'queue',
    name: QUEUE,
    requiresSession: true,
    lockDurationMs: LOCK_MS,
    duplicateWindowMs: DUPLICATE_WINDOW_MS,
    maxDeliveryCount: MAX_DELIVERY_COUNT,
  },
];
