// One held session, from its state to its last message: this is the way of every message, and the order of its steps is the whole
// protocol (I1, I2, I5). Read the state, then for each batch of messages that is taken:
//
//   sort     which were applied before, which ask something, which are inputs       sort.ts
//   run      the inputs in a worker thread, their attempts counted                  attempts.ts
//   next     the state that they lead to, its outbox, how each message is settled   next-state.ts
//   commit   that state, in one write: what was applied is decided here             held-actor.ts
//   publish  the committed outbox                                                   publish.ts, outbox.ts
//   settle   the messages, the one that anchors the others last                     settle.ts
//
// batch.ts takes a batch through these; apply-inputs.ts and commit-turns.ts what lies between sort and settle. Beside the inputs
// there are queries (query.ts), watches (watch.ts) and what people do about an actor that stands still (remedy.ts). What
// cannot continue throws `HoldEnded`: what was in hand stays in the queue for the next holder.
import { toErrorJson } from '../../contract/errors.ts';
import type { HeldSession } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { isUnreadable } from '../protocol/claims.ts';
import { Batch } from './batch.ts';
import { inBatchSpan } from './batch-span.ts';
import { answerForesight, asksForesight } from './foresight/foresee.ts';
import { HeldActor, LAST_TAKE, TAKE } from './held-actor.ts';
import { type ActorHost, HoldEnded } from './host.ts';
import { hostFor, migrate } from './machine-version.ts';
import { publishCommitted } from './outbox/publish.ts';
import { wakeLater } from './outbox/undelivered.ts';
import { mayBeUnsent, settledBefore, unfinished } from './sort/inbox.ts';
import { hasLostCore, holdUnreadable, quarantineLostCore, takeWithoutCore } from './standstill/lost-core.ts';
import { isStandingStill, quarantine } from './standstill/quarantine.ts';
import { openState } from './state/claim-state.ts';
import { emptyState } from './state/session-state.ts';
import { decodeState } from './state/written-state.ts';

/** 'refused': a host that knows more is to serve it (I14). */
export async function holdSession(session: HeldSession, host: ActorHost): Promise<'refused' | void> {
  const { clock, machine, older, payloads } = host;
  const readAt = clock.now();
  const read = await session.readState();
  if (read.kind === 'lost') return;
  const decoded = decodeState(read.state, machine.version, (version) => older.has(version), clock.now());
  if (decoded.kind === 'foreign') {
    host.onForeignState(`${machine.type}/${session.sessionId}`, decoded.why);
    return 'refused';
  }
  const written = decoded.kind === 'state' ? decoded.state : emptyState(machine.type, machine.version);
  const opened = await openState(written, payloads).catch((thrown: unknown) => ({ thrown }));
  await endsIn(async () => {
    if (!('thrown' in opened)) {
      const held = new HeldActor(session, hostFor(host, opened.state), opened, readAt);
      // This build could not tell what was applied before from what is new.
      if (opened.peersLost !== undefined) await quarantine(held, opened.peersLost);
      return new Hold(held).run();
    }
    const error = toErrorJson(opened.thrown, 'CONNECTION_FAILED');
    if (!isUnreadable(error.code)) return holdUnreadable(session, host, written, error);
    await new Hold(await quarantineLostCore(session, host, written, error)).run();
  });
}

/** Whether the hold has ended in this: the one place where that matters. */
async function endsIn(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (thrown) {
    if (thrown instanceof HoldEnded) return true;
    throw thrown;
  }
}

class Hold {
  readonly #held: HeldActor;
  /** Whether the first messages have come: they say how far the last holder got. */
  #begun = false;

  constructor(held: HeldActor) {
    this.#held = held;
  }

  async run(): Promise<void> {
    const held = this.#held;
    try {
      while (!held.isLost) {
        const taken = await held.session.take(this.#hasEnded ? LAST_TAKE : TAKE);
        if (taken.kind !== 'messages') return;
        const { messages } = taken;
        if (await inBatchSpan(held, messages, () => endsIn(() => this.#batch(messages)))) return;
      }
    } finally {
      await held.settler.idle();
    }
  }

  get #hasEnded(): boolean {
    const { core } = this.#held.state;
    return this.#begun && core !== null && core.status !== 'active';
  }

  async #batch(given: readonly InboundMessage[]): Promise<void> {
    const held = this.#held;
    const messages = given.filter((message) => !asksForesight(message));
    // It changes nothing, not even what the holder before has left undone; no commit knows of it.
    if (messages.length < given.length)
      held.settler.settle(answerForesight(held, given.filter(asksForesight)), new Set());
    if (messages.length === 0) return;
    if (!this.#begun) await this.#begin(messages);
    const batch = new Batch(held, messages);
    const rest = hasLostCore(held.state) ? await this.#takeWithoutCore(batch, messages) : messages;
    if (!hasLostCore(held.state)) {
      // What stands for a lost core ends before anything is applied.
      if (!held.isOutlined && batch.isAnchored()) await batch.catchUp();
      await batch.pass(rest);
      await batch.applyPieces();
    }
    batch.settle();
  }

  /** Does what the holder before may have left undone. */
  async #begin(messages: readonly InboundMessage[]): Promise<void> {
    const held = this.#held;
    this.#begun = true;
    // The last holder may have died before it told what it had committed.
    if (held.state.inbox.unsettled.length > 0) held.announce();
    await this.#finish(messages);
    for (const number of settledBefore(held.state, messages)) held.settler.confirm(number);
    if (!isStandingStill(held.state)) await migrate(held);
  }

  async #finish(messages: readonly InboundMessage[]): Promise<void> {
    const held = this.#held;
    if (held.state.quarantine?.undelivered !== undefined) return wakeLater(held);
    // A purge gives up what has not left: nothing that cannot leave may be in its way.
    if (messages.some(({ subject }) => subject === 'purge')) return;
    // Its inputs are still here, or may be: the outbox may never have left (I2).
    if (mayBeUnsent(held.state, messages)) await publishCommitted(held, unfinished(held.state, messages));
  }

  /** Gives the messages that are left for the outline of a lost core. */
  async #takeWithoutCore(
    batch: Batch,
    messages: readonly InboundMessage[],
  ): Promise<readonly InboundMessage[]> {
    const { settlements, rest } = await takeWithoutCore(this.#held, messages);
    batch.add(settlements);
    return rest;
  }
}
