/**
 * The end of a connection whose client has hung up its half behind its last word: what it has asked is answered, as far as
 * that can be answered now, and then the other half ends.
 */
import type { Change } from '../core/committer.ts';
import type { RawConnection } from './raw-connection.ts';

/** What is not answered by then waits for something that may never come, as a reply without credit does. */
const PATIENCE_MS = 2000;
const LOOK_MS = 5;
/** What a client did not ask for may follow from what it did: what is taken from the store is handed out behind a commit. */
const COMMITS = 2;

/** Behind everything that was asked for before. */
export type Commit = (change: Change) => void;

/** Resolves when the client can be told no more. */
export async function allAnswered(raw: RawConnection, commit: Commit): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (let quiet = 0; quiet < COMMITS; ) {
    await committed(commit, until - performance.now());
    if (performance.now() >= until) return;
    quiet = owes(raw) ? 0 : quiet + 1;
    if (quiet === 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function committed(commit: Commit, patienceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    // A broker that stops commits nothing more.
    const late = setTimeout(resolve, patienceMs);
    const done = () => {
      clearTimeout(late);
      resolve();
    };
    commit({ applied: done, refused: done });
  });
  // The answers are written at the end of the turn in which the commit is told.
  await new Promise((resolve) => setImmediate(resolve));
}

/** A request without a reply, or a message without an outcome. */
function owes(raw: RawConnection): boolean {
  if (raw.traffic.requests > 0) return true;
  return Object.values(raw.local_channel_map).some(({ incoming: { deliveries } }) => {
    const first = deliveries.get_head()?.id ?? 0;
    for (let id = first; id < first + deliveries.size; id += 1) {
      const delivery = deliveries.by_id(id);
      if (delivery && !delivery.settled && !delivery.incomplete) return true;
    }
    return false;
  });
}
