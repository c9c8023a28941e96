// The status of a broker, a line per queue, topic and subscription: of the broker that runs on a data folder or, when none
// does, read from the file.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Alarms, systemClock } from './clock.ts';
import { Core } from './core/core.ts';
import { limitsOf } from './core/limits.ts';
import { Namespace } from './core/namespace.ts';
import type { Queue } from './core/queue.ts';
import { recover } from './core/recovery.ts';
import { readBrokerRecord } from './data-folder.ts';
import { BrokerError } from './errors.ts';
import type { EntityStatus } from './options.ts';
import { statusOfRunning } from './running.ts';
import { DATA_FILE, openStore } from './store/sqlite.ts';

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

export async function readStatus(folder: string): Promise<EntityStatus[]> {
  if (!existsSync(join(folder, DATA_FILE))) return [];
  const record = readBrokerRecord(folder);
  try {
    return readStopped(folder);
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== 'BROKER_DATA_IN_USE' || !record) throw error;
    return statusOfRunning(record);
  }
}

/** No message changes: what has expired meanwhile is left to the next start. */
function readStopped(folder: string): EntityStatus[] {
  const store = openStore({ folder, maxPages: undefined });
  const alarms = new Alarms(systemClock);
  try {
    const core = new Core(store, alarms, limitsOf(), () => {});
    core.committer.stop();
    const namespace = new Namespace(core);
    recover(core, namespace);
    return statusOf(core, namespace);
  } finally {
    alarms.stop();
    store.close();
  }
}
