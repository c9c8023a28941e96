/** What a start reads, which is little: counts, and the next instants at which something happens. */
import type { Core } from './core.ts';
import type { Namespace } from './namespace.ts';

/** Readies the entities at a start: counts and next instants are read; messages stay on disk until somebody wants them. */
export function recover(core: Core, namespace: Namespace): void {
  for (const { id, intake } of [...namespace.queues.values(), ...namespace.topics.values()]) {
    intake.schedule.restore(core.store.tally(id));
    intake.window?.restore();
  }
  for (const queue of namespace.sources.values()) queue.restore();
}
