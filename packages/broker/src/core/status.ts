// The status of a broker: a line per queue, topic and subscription.
import type { EntityStatus } from '../options.ts';
import type { Core } from './core.ts';
import type { Namespace } from './namespace.ts';
import type { Queue } from './queue.ts';

/** A line per queue, topic and subscription. */
export function statusOf(core: Core, namespace: Namespace): EntityStatus[] {
  const lines: EntityStatus[] = [];
  for (const { queue, intake } of namespace.queues.values()) {
    lines.push(line(core, queue, 'queue', intake.schedule.size));
  }
  for (const topic of namespace.topics.values()) {
    lines.push({
      name: topic.path,
      kind: 'topic',
      active: 0,
      scheduled: topic.intake.schedule.size,
      deferred: 0,
      deadLettered: 0,
      sessions: 0,
      locks: 0,
    });
    for (const { queue } of topic.subscriptions.values()) lines.push(line(core, queue, 'subscription', 0));
  }
  return lines;
}

function line(core: Core, queue: Queue, kind: EntityStatus['kind'], scheduled: number): EntityStatus {
  return {
    name: queue.path,
    kind,
    active: queue.active,
    scheduled,
    deferred: queue.deferred.size,
    deadLettered: queue.deadLetters?.active ?? 0,
    sessions: queue.sessions ? core.store.countSessions(queue.id) : 0,
    locks: queue.delivery.lockCount,
  };
}
