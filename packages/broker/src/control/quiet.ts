// Waits until broker and clients are at rest: nothing is under way, nothing has moved for a moment, and every receiver that
// could take a message has had the time to ask for it. Says what is not at rest, too.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer } from '../amqp/peer.ts';
import type { Core } from '../core/core.ts';
import type { Queue } from '../core/queue.ts';
import type { Lock, StoredMessage } from '../core/records.ts';
import { BrokerError } from '../errors.ts';

interface Unrest {
  readonly why: string;
  readonly details: Record<string, unknown>;
}

/** Whatever can be restless. */
interface Parts {
  readonly core: Core;
  readonly queues: () => Iterable<Queue>;
  readonly peers: () => Iterable<Peer>;
  /** Requests over HTTP that have not been answered. */
  readonly openRequests: () => number;
}

function findUnrest({ core, queues, peers, openRequests }: Parts): Unrest | undefined {
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

interface Unclaimed {
  readonly message: StoredMessage;
  readonly patienceMs: number;
}

/** Messages that wait although somebody receives from their entity: the next frame may ask for them. */
function* findUnclaimed({ queues, peers }: Parts): Iterable<Unclaimed> {
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

const LOOK_MS = 4;
/** What one look counts at most: the pause before it, and as much again for an event loop that is busy. */
const MOST_A_LOOK_MS = 2 * LOOK_MS;
/** Looks in a row that find nothing new: a client thinks between an answer and its next request. */
const CALM_LOOKS = 5;
const DEFAULT_PATIENCE_MS = 10_000;
/** How many times the patience clients may keep the broker busy without an end. */
const BUSY_FACTOR = 6;

const BUSY: Unrest = { why: 'clients keep talking', details: {} };

export class Quiet {
  readonly #parts: Parts;
  /** Messages that nobody asked for in time; they are not waited for again. */
  readonly #leftAlone = new WeakSet<StoredMessage>();
  #stopped = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Throws BROKER_NOT_QUIET when something is under way and nothing has been committed for `patienceMs`. */
  async reached(patienceMs = DEFAULT_PATIENCE_MS): Promise<void> {
    const { committer } = this.#parts.core;
    // Time counts as this process lived it: a machine that gives the processor to others slows the clients down as well.
    let lookedAt = performance.now();
    let lived = 0;
    let committed = committer.operations;
    let committedAt = 0;
    let moves = this.#moves();
    let movedAt = 0;
    for (let calm = 0; ; ) {
      await sleep(LOOK_MS);
      if (this.#stopped)
        throw new BrokerError('BROKER_STOPPED', 'The broker has ended while time was skipped.');
      const now = performance.now();
      lived += Math.min(now - lookedAt, MOST_A_LOOK_MS);
      lookedAt = now;
      if (committer.operations !== committed) {
        committed = committer.operations;
        committedAt = lived;
      }
      const moved = moves !== this.#moves();
      if (moved) {
        moves = this.#moves();
        movedAt = lived;
      }
      const unrest = findUnrest(this.#parts);
      calm = moved || unrest ? 0 : calm + 1;
      if (calm >= CALM_LOOKS && !this.#awaitsClaim(lived - movedAt)) return;
      if (unrest && lived - committedAt >= patienceMs) throw notQuiet(unrest, patienceMs);
      if (lived >= patienceMs * BUSY_FACTOR) throw notQuiet(unrest ?? BUSY, patienceMs * BUSY_FACTOR);
    }
  }

  /** Grows with everything that is said to or by a client. */
  #moves(): number {
    let moves = this.#parts.core.committer.operations;
    for (const { client } of this.#parts.peers()) moves += 1 + client.moves;
    return moves;
  }

  #awaitsClaim(calmMs: number): boolean {
    const unclaimed = [...findUnclaimed(this.#parts)];
    if (unclaimed.some(({ message, patienceMs }) => calmMs < patienceMs && !this.#leftAlone.has(message)))
      return true;
    for (const { message } of unclaimed) this.#leftAlone.add(message);
    return false;
  }
}

function notQuiet({ why, details }: Unrest, waitedMs: number): BrokerError {
  return new BrokerError(
    'BROKER_NOT_QUIET',
    `Time stands still because ${why}, for ${waitedMs} ms.`,
    details,
  );
}
