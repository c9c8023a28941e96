// What of a tenant lies in the agent's queue, as far as the lane knows: when so many were granted, the oldest first. What is begun is
// taken off the front; what is too old was lost.

export type Queue = readonly (readonly [at: number, count: number])[];
type Queues = Readonly<Record<string, Queue>>;

/** What is granted within so long counts as one. */
const STEP_MS = 250;

export function queued(queues: Queues, tenant?: string): number {
  const all = tenant === undefined ? Object.values(queues) : [queues[tenant] ?? []];
  return all.flat().reduce((sum, [, count]) => sum + count, 0);
}

export function withGiven(queues: Queues, tenant: string, at: number): Queues {
  const queue = queues[tenant] ?? [];
  const last = queue.at(-1);
  const isSame = last !== undefined && at - last[0] < STEP_MS;
  const next: Queue = isSame ? [...queue.slice(0, -1), [last[0], last[1] + 1]] : [...queue, [at, 1]];
  return { ...queues, [tenant]: next };
}

/** The oldest are begun first. More than are known were there before, or were granted by nobody. */
export function withBegun(queues: Queues, tenant: string, count: number): Queues {
  return without(queues, tenant, count, (queue) => queue);
}

/** Given back: the latest. */
export function withoutGiven(queues: Queues, tenant: string, count: number): Queues {
  return without(queues, tenant, count, (queue) => queue.toReversed());
}

export function withoutOld(queues: Queues, before: number): Queues {
  const entries = Object.entries(queues);
  if (entries.every(([, queue]) => (queue[0]?.[0] ?? before) >= before)) return queues;
  const young = entries.map(([tenant, queue]) => [tenant, queue.filter(([at]) => at >= before)] as const);
  return Object.fromEntries(young.filter(([, queue]) => queue.length > 0));
}

function without(queues: Queues, tenant: string, count: number, turn: (queue: Queue) => Queue): Queues {
  const { [tenant]: queue = [], ...others } = queues;
  let left = count;
  const kept = turn(queue).flatMap(([at, there]): Queue => {
    const off = Math.min(left, there);
    left -= off;
    return there === off ? [] : [[at, there - off]];
  });
  return kept.length === 0 ? others : { ...others, [tenant]: turn(kept) };
}
