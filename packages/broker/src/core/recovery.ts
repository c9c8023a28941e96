/** What a start reads, which is little: counts, and the next instants at which something happens. */
import { withApplicationProperties } from '../codec/rewrite.ts';
import type { HandOut } from '../store/hand-outs.ts';
import type { FullMessage } from '../store/store.ts';
import type { Core } from './core.ts';
import { deadLetterOf } from './departures.ts';
import type { Namespace } from './namespace.ts';
import { reasons } from './outcome.ts';
import type { Queue } from './queue.ts';
import { rowOf, SCHEDULED } from './records.ts';

/** Readies the entities at a start: counts and next instants are read; messages stay on disk until somebody wants them. */
export function recover(core: Core, namespace: Namespace): void {
  for (const { id, intake } of [...namespace.queues.values(), ...namespace.topics.values()]) {
    intake.schedule.restore(core.store.tally(id));
    intake.window?.restore();
  }
  for (const queue of namespace.sources.values()) queue.restore();
}

/**
 * Before `recover`: the process before ended with these in somebody's hands, and the locks with it. One that was settled
 * since is gone, or its count is another.
 */
export function countHandOuts(core: Core, namespace: Namespace, handOuts: readonly HandOut[]): void {
  const queues = new Map([...namespace.sources.values()].map((queue) => [queue.id, queue]));
  const interrupted: { queue: Queue; row: FullMessage }[] = [];
  for (const { entity, seq, deliveryCount } of handOuts) {
    const queue = queues.get(entity);
    if (!queue || queue.isDeadLetterQueue) continue;
    const row = core.store.message(entity, seq);
    if (row && row.state !== SCHEDULED && row.deliveryCount === deliveryCount)
      interrupted.push({ queue, row });
  }
  if (interrupted.length === 0) return;
  core.counters.add('locks.lost', interrupted.length);
  const { store } = core;
  store.withReserve(() =>
    store.transaction(() => {
      for (const { queue, row } of interrupted) countOne(core, queue, row);
    }),
  );
}

function countOne({ store, counters }: Core, queue: Queue, row: FullMessage): void {
  const deliveryCount = row.deliveryCount + 1;
  const { deadLetters } = queue;
  if (deliveryCount < queue.settings.maxDeliveryCount || !deadLetters) {
    return store.setDelivery(row, deliveryCount, row.state);
  }
  const bytes = withApplicationProperties(row.bytes, reasons.maxDeliveryCount(deliveryCount));
  const moved = deadLetterOf({ ...row, deliveryCount }, deadLetters.id, queue.path, bytes);
  counters.add('deadLettered');
  store.deleteMessage(row);
  store.insertMessage(rowOf(moved), bytes);
}
