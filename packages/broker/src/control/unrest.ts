/** What is not at rest in a broker or at its clients, in words and as data. */
import type { Peer } from '../amqp/peer.ts';
import type { Core } from '../core/core.ts';
import type { Queue } from '../core/queue.ts';
import type { Lock, StoredMessage } from '../core/records.ts';

export interface Unrest {
  readonly why: string;
  readonly details: Record<string, unknown>;
}

/** Whatever can be restless. */
export interface Parts {
  readonly core: Core;
  readonly queues: () => Iterable<Queue>;
  readonly peers: () => Iterable<Peer>;
  /** Requests over HTTP that have not been answered. */
  readonly openRequests: () => number;
}

export function findUnrest({ core, queues, peers, openRequests }: Parts): Unrest | undefined {
  const { committer, faults } = core;
  if (!committer.idle) return { why: 'a commit is under way', details: {} };
  if (faults.holding > 0) return { why: 'a fault holds an operation back', details: {} };
  for (const queue of queues()) {
    for (const lock of locksOf(queue)) if (lock.open && lock.holder?.live) return unsettled(queue, lock);
  }
  for (const copies of faults.copies) {
    if (copies.open > 0) return { why: 'a client has not settled the copy of a message', details: {} };
  }
  for (const { client, unwritten } of peers()) {
    const { name, container } = client;
    if (unwritten) return { why: `'${name}' does not take what it is sent`, details: { container } };
  }
  return openRequests() > 0 ? { why: 'a request over HTTP is not answered', details: {} } : undefined;
}

function* locksOf({ plain, sessions }: Queue): Iterable<Lock> {
  yield* plain?.locks ?? [];
  for (const hold of sessions?.holds ?? []) yield* hold.locks.values();
}

function unsettled({ core, path }: Queue, { message, holder }: Lock): Unrest {
  const messageId = core.envelopeOf(message).messageId;
  const session = message.session?.id;
  const where = session === undefined ? `'${path}'` : `session '${session}' of '${path}'`;
  return {
    why: `'${holder?.name}' has not settled message ${message.seq} (id '${messageId}') of ${where}`,
    details: { entity: path, session, messageId, sequenceNumber: message.seq, holder: holder?.name },
  };
}

/** How long a receiver without credit may take to ask for a message. */
const CLAIM_MS = 100;
/** How long those who hold other sessions may take to let one go and accept the next. */
const CLAIM_SESSION_MS = 1500;

export interface Unclaimed {
  readonly message: StoredMessage;
  readonly patienceMs: number;
}

/** Messages that wait although somebody receives from their entity: the next frame may ask for them. */
export function* findUnclaimed({ queues, peers }: Parts): Iterable<Unclaimed> {
  for (const queue of queues()) {
    if (queue.disabled || queue.active === 0) continue;
    if (![...peers()].some((peer) => peer.receivesFrom(queue.path))) continue;
    const message = queue.plain?.first();
    if (message) yield { message, patienceMs: CLAIM_MS };
    for (const first of queue.sessions?.waiting() ?? []) {
      yield { message: first, patienceMs: first.session?.hold ? CLAIM_MS : CLAIM_SESSION_MS };
    }
  }
}
