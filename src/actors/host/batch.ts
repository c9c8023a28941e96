// Takes one batch of messages through the stages. One message anchors all that is done for them (I5). The batch is sorted,
// its inputs are applied (run, commit, publish), and the others are answered. How each message is to be settled is collected
// here and carried out last. Messages that wait in the broker, parked by a quarantine or early pieces of an answer, are
// fetched when they are due, and go the same way under the same anchor.
import type { InboundMessage } from '../../contract/wire.ts';
import { takeTopUps } from './budget/top-up.ts';
import { bookAlone } from './commit/commit-turns.ts';
import { answer } from './commit/verdicts.ts';
import type { HeldActor } from './held-actor.ts';
import { migrate } from './machine-version.ts';
import { sendAnswers } from './outbox/publish.ts';
import { deliverAgain } from './outbox/undelivered.ts';
import { answerQueries } from './questions/query.ts';
import { takeWatches } from './questions/watch.ts';
import { applyInputs } from './run/apply-inputs.ts';
import type { Settlement } from './settle.ts';
import { completed } from './settle.ts';
import { duePieces, withoutPieces } from './sort/early-pieces.ts';
import type { Noted, ReceivedInput } from './sort/inbox.ts';
import { markEntries, strayMarks } from './sort/marks.ts';
import {
  type Next,
  type Part,
  type Query,
  type Refusal,
  sort,
  type TopUpRequest,
  type WatchRequest,
} from './sort/sort.ts';
import { isExpiry } from './sort/tombstone.ts';
import { catchUp, isStandingStill } from './standstill/quarantine.ts';
import { remedy } from './standstill/remedy.ts';
import type { OutboxEntry } from './state/session-state.ts';
import { type More, sendMore } from './unsent/more.ts';

interface Fetched {
  readonly found: readonly InboundMessage[];
  readonly gone: readonly number[];
}

function toRefusal({ message, asker, error }: Refusal): OutboxEntry {
  return answer(message, asker, { kind: 'answer', answer: 'error', error });
}

export class Batch {
  readonly #held: HeldActor;
  readonly #active: readonly InboundMessage[];
  #settlements: Settlement[] = [];
  /** Numbers of deferred messages that were fetched. They are settled over another link than the active ones. */
  readonly #fetched = new Set<number>();

  constructor(held: HeldActor, active: readonly InboundMessage[]) {
    this.#held = held;
    this.#active = active;
  }

  /** Whether the state names one of its messages. If it does not, a crash cannot be told from a turn that was carried out. */
  isAnchored(): boolean {
    const recorded = new Set(this.#held.state.inbox.unsettled.map(([number]) => number));
    return this.#active.some(({ sequenceNumber }) => recorded.has(sequenceNumber));
  }

  add(settlements: readonly Settlement[]): void {
    this.#settlements.push(...settlements);
  }

  /** Does everything that these messages ask for, in order, but does not settle them. */
  async pass(messages: readonly InboundMessage[]): Promise<void> {
    const held = this.#held;
    const queries: Query[] = [];
    const watches: WatchRequest[] = [];
    const mores: More[] = [];
    const strays: InboundMessage[] = [];
    const refusals: Refusal[] = [];
    const usages: Noted[] = [];
    const topUps: TopUpRequest[] = [];
    let rest = messages;
    let first: ReceivedInput | undefined;
    while (rest.length > 0 || first !== undefined) {
      const part = await this.#sort(rest, first);
      queries.push(...part.queries);
      watches.push(...part.watches);
      mores.push(...part.mores);
      strays.push(...part.strays);
      refusals.push(...part.refusals);
      this.add(part.settlements);
      held.noteUsages(part.usages);
      usages.push(...part.usages);
      topUps.push(...part.topUps);
      await this.#apply(part.inputs);
      first = part.next === undefined ? undefined : await this.#follow(part.next);
      rest = part.rest;
    }
    if (usages.length > 0) this.add(await this.#book(usages));
    if (topUps.length > 0) this.add(await takeTopUps(held, topUps));
    if (watches.length > 0) this.add(await takeWatches(held, watches));
    if (strays.length > 0) await sendAnswers(held, markEntries(held.address, strayMarks(strays)));
    if (refusals.length > 0) await sendAnswers(held, refusals.map(toRefusal));
    if (queries.length > 0) this.add(await answerQueries(held, queries));
    // Last: what else is at hand may be the end of what is unsent.
    if (mores.length > 0) this.add(await sendMore(held, mores));
  }

  /** Deferred pieces whose turn has come run under the anchor of this batch: an active message, settled last (I5). */
  async applyPieces(): Promise<void> {
    if (!this.isAnchored() || isStandingStill(this.#held.state)) return;
    const allGone = new Set<number>();
    for (;;) {
      const due = duePieces(this.#held.state).filter((number) => !this.#fetched.has(number));
      if (due.length === 0) break;
      const { found, gone } = await this.#fetch(due);
      for (const number of gone) allGone.add(number);
      if (found.length > 0) await this.pass(found);
    }
    if (allGone.size > 0) await this.#held.commit(withoutPieces(this.#held.state, allGone));
  }

  /** What a quarantine parked, once it is released. */
  catchUp(): Promise<void> {
    return catchUp(this.#held, {
      fetch: async (numbers) => (await this.#fetch(numbers)).found,
      apply: (messages) => this.pass(messages),
      settle: (numbers) => this.#settleNow(({ message }) => numbers.has(message.sequenceNumber)),
    });
  }

  /** The end of the batch. */
  settle(): void {
    this.#held.settler.settle(this.#settlements, this.#fetched);
  }

  async #sort(messages: readonly InboundMessage[], first: ReceivedInput | undefined): Promise<Part> {
    const { state, settler, olderPeers, newborn, inbound, host } = this.#held;
    const { settled } = settler;
    const { payloads, unpriced, admission } = host;
    const context = {
      state,
      settled,
      olderPeers,
      newborn,
      fetched: this.#fetched,
      payloads,
      inbound,
      unpriced,
      admission,
    };
    let part: Part;
    try {
      part = await sort(messages, context, first);
    } catch (thrown) {
      return this.#held.leave(thrown);
    }
    host.counters.dropped += part.dropped;
    host.counters.repeated += part.repeated;
    for (const number of part.unread) settler.keepPayloadOf(number);
    for (const folder of part.unsigned) host.onUnsigned(folder);
    return part;
  }

  async #apply(inputs: readonly ReceivedInput[]): Promise<void> {
    if (inputs.length > 0) this.add(await applyInputs(this.#held, inputs));
  }

  /** Gives an input that is applied with those that come behind it. */
  async #follow(next: Next): Promise<ReceivedInput | undefined> {
    const held = this.#held;
    switch (next.kind) {
      case 'alone':
        await this.#applyAlone(next.received);
        return undefined;
      case 'answer':
        await this.applyPieces();
        if (next.received.suspect !== true) return next.received;
        await this.#apply([next.received]);
        return undefined;
      case 'wake':
        this.add([completed(next.message)]);
        if (await deliverAgain(held, next.message)) {
          await migrate(held);
          await this.catchUp();
        }
        return undefined;
      case 'remedy':
        this.add([completed(next.message)]);
        await remedy({ held, message: next.message, body: next.body, catchUp: () => this.catchUp() });
        return undefined;
    }
  }

  /** Most are booked already, with the turns of this batch. */
  async #book(usages: readonly Noted[]): Promise<readonly Settlement[]> {
    const left = new Set(this.#held.unbooked);
    const booked = usages.filter((usage) => !left.has(usage)).map(({ message }) => completed(message));
    return [...booked, ...(await bookAlone(this.#held))];
  }

  async #applyAlone(received: ReceivedInput): Promise<void> {
    // Forgotten before, and what lay in the payload store perhaps not removed yet.
    if (isExpiry(received.input) && this.#held.state.core === null) await this.#held.removeLives();
    await this.#apply([received]);
  }

  /** `gone`: messages that are not in the broker, and that the state does not record as deferred. */
  async #fetch(numbers: readonly number[]): Promise<Fetched> {
    const { settler, session } = this.#held;
    await this.#carryOutDeferrals(numbers);
    const found = await session.receiveDeferred(numbers);
    const there = new Set(found.map(({ sequenceNumber }) => sequenceNumber));
    const recordedAs = new Map(this.#held.state.inbox.unsettled);
    const gone: number[] = [];
    for (const number of numbers) {
      this.#fetched.add(number);
      const isDeferral = recordedAs.get(number)?.kind === 'defer';
      // A message that is there has been deferred. One that is gone was completed by a holder that could not record it.
      if (there.has(number) ? isDeferral : !isDeferral) settler.confirm(number);
      if (!there.has(number) && !isDeferral) gone.push(number);
    }
    return { found, gone };
  }

  /** A piece that came early in this batch, or the one before, has to be deferred before it can be fetched. */
  async #carryOutDeferrals(due: readonly number[]): Promise<void> {
    await this.#held.settler.idle();
    await this.#settleNow(
      ({ message, disposition }) => disposition.kind === 'defer' && due.includes(message.sequenceNumber),
    );
  }

  async #settleNow(isDue: (settlement: Settlement) => boolean): Promise<void> {
    const due = this.#settlements.filter(isDue);
    this.#settlements = this.#settlements.filter((settlement) => !isDue(settlement));
    await this.#held.settler.settleNow(due);
  }
}
