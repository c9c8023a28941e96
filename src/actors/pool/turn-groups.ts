// How many turns go to a thread in one message. Waking a thread costs more than a small turn, so small ones go together; large
// ones go one by one, because a turn is answered with the last of its group.
import type { WorkerRequest } from '../../contract/worker.ts';

/** What waits for a thread. */
export interface Groupable {
  readonly request: WorkerRequest;
  readonly signal: AbortSignal | undefined;
  /** Its group ended a thread: each turn of the group is run by itself, to find the guilty one (I7). */
  readonly alone: boolean;
}

const MOST_TURNS = 32;
/** A turn waits for its neighbours no longer than this, going by what turns took lately. */
const GROUP_MS = 2;
/** Weight of the newest measurement in the average. */
const WEIGHT = 0.2;

interface TurnGroups {
  /** Takes turns from the front of the queue, at least one; `threads` could take some at once. */
  take<W extends Groupable>(queue: W[], threads: number): W[];
  took(turns: number, ms: number): void;
}

export function createTurnGroups(): TurnGroups {
  let turnMs = 0;
  return {
    take(queue, threads) {
      const most = Math.min(
        MOST_TURNS,
        Math.ceil(queue.length / threads),
        GROUP_MS / Math.max(turnMs, 0.001),
      );
      let count = 0;
      while (count < most - 1 && isGroupable(queue[count]) && isGroupable(queue[count + 1])) count++;
      return queue.splice(0, count + 1);
    },
    took(turns, ms) {
      turnMs += (ms / turns - turnMs) * WEIGHT;
    },
  };
}

function isGroupable(one: Groupable | undefined): boolean {
  return one !== undefined && one.request.kind === 'turn' && one.signal === undefined && !one.alone;
}

/** Also one turn by itself says how long it took. */
export function toRequest(group: readonly Groupable[]): WorkerRequest {
  const [first] = group;
  if (first === undefined) throw new RangeError('a group has one at least');
  if (!isGroupable(first)) return first.request;
  return {
    kind: 'turns',
    requests: group.flatMap(({ request }) => (request.kind === 'turn' ? [request.request] : [])),
  };
}
