import type { Core } from './core.ts';
import type { Namespace } from './namespace.ts';
import type { Queue } from './queue.ts';
import type { QueueEntity } from './queue-entity.ts';
import { SCHEDULED, StoredMessage } from './records.ts';
import type { Topic } from './topic.ts';

/**
 * Fills the entities from the store at start. Locks are not kept: after a restart nobody holds anything,
 * while delivery counts stand.
 */
export function recover(core: Core, namespace: Namespace): void {
  const queues = new Map<number, Queue>();
  const destinations = new Map<number, QueueEntity | Topic>();
  for (const queue of namespace.sources.values()) queues.set(queue.id, queue);
  for (const entity of [...namespace.queues.values(), ...namespace.topics.values()]) {
    destinations.set(entity.id, entity);
  }
  core.store.dropOrphanBodies();

  for (const { entity, seenAt, id } of core.store.duplicates()) {
    core.seenMicros(seenAt);
    destinations.get(entity)?.intake.window?.restore(id, seenAt);
  }
  for (const row of core.store.messages()) {
    const message = new StoredMessage({
      ...row,
      state: row.state as StoredMessage['state'],
      session: undefined,
      source: row.source ?? undefined,
    });
    if (message.shared) core.bodies.addOwner(message.body);
    if (message.state === SCHEDULED) {
      destinations.get(row.entity)?.intake.schedule.add(message);
      continue;
    }
    const queue = queues.get(row.entity);
    if (row.session !== null) message.session = queue?.sessions?.ensure(row.session);
    queue?.admit(message);
  }
}
