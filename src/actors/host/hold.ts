// One held session: receive, turn, commit, publish, settle. The order of these five is the whole protocol (I1, I2, I5).
import { SpanKind } from '@opentelemetry/api';
import type { ReplyAddress } from '../../contract/effect.ts';
import { toErrorJson } from '../../contract/errors.ts';
import type { HeldSession } from '../../contract/ports.ts';
import {
  ATTR,
  formatTraceparent,
  inSpan,
  isTracing,
  MESSAGING_SYSTEM,
  SPAN,
} from '../../contract/telemetry.ts';
import type { InboundMessage, WatchBody } from '../../contract/wire.ts';
import { PROPERTY } from '../../contract/wire.ts';
import { isUnreadable } from '../protocol/claims.ts';
import { ofThisLife } from '../protocol/lives.ts';
import { signedFamily } from '../protocol/seals.ts';
import { answer, notFound } from './answer.ts';
import { applyItems } from './apply.ts';
import type { Item } from './batch.ts';
import { dueDeferred, hasEarlyPieces, isExpiry } from './batch.ts';
import { claimEntries } from './claim-entries.ts';
import { openState } from './claim-state.ts';
import type { Progress, Settlement } from './held-actor.ts';
import { HeldActor, LAST_TAKE, TAKE } from './held-actor.ts';
import type { ActorHost } from './host.ts';
import { identitiesOf, judge } from './inbox.ts';
import { isLost, quarantineLost, takeLost } from './lost-state.ts';
import { markEntries, strayMarks } from './marks.ts';
import { isStandingStill, quarantine } from './quarantine.ts';
import { answerToQuery } from './query.ts';
import { readBody } from './read-body.ts';
import { mayBeUnsent, settledBefore, unfinished } from './redelivery.ts';
import { applyHeld } from './release.ts';
import { isRemedy, isUnfinished, type RemedyBody, remedy } from './remedy.ts';
import type { OutboxEntry } from './session-state.ts';
import { BOUNDS, emptyState } from './session-state.ts';
import { actorSpan } from './trace.ts';
import { deliver, isWake, publishCommitted, wakeLater } from './undelivered.ts';
import { holdUnreadable } from './unreadable.ts';
import { hostFor, migrate } from './version.ts';
import { watch } from './watch.ts';
import { decodeState } from './written-state.ts';

/** Asked from outside, over and over: they get no spans. */
const UNTRACED: ReadonlySet<string> = new Set(['query', 'await', 'watch', 'release', 'purge']);

/** What is in hand at a time: the active messages, one of which anchors all of it (I5), and what becomes of each. */
interface Batch {
  readonly active: readonly InboundMessage[];
  readonly settlements: Settlement[];
  /** Numbers of deferred messages that were fetched: they travel on another link than the active ones. */
  readonly fetched: Set<number>;
}

/** 'refused': a host that knows more is to serve it (I14). */
export async function holdSession(session: HeldSession, host: ActorHost): Promise<'refused' | void> {
  const readAt = host.clock.now();
  const read = await session.readState();
  if (read.kind === 'lost') return;
  const decoded = decodeState(
    read.state,
    host.machine.version,
    (version) => host.older.has(version),
    host.clock.now(),
  );
  if (decoded.kind === 'foreign') {
    host.onForeignState(`${host.machine.type}/${session.sessionId}`, decoded.why);
    return 'refused';
  }
  const written =
    decoded.kind === 'state' ? decoded.state : emptyState(host.machine.type, host.machine.version);
  const opened = await openState(written, host.payloads).catch((thrown: unknown) => ({ thrown }));
  if (!('thrown' in opened)) {
    const held = new HeldActor(session, hostFor(host, opened.state), opened);
    held.seenAt = readAt;
    // It could not tell what it had applied before from what is new.
    if (opened.peersLost !== undefined && (await quarantine(held, opened.peersLost, [], [])) === 'lost')
      return;
    return new Hold(held).run();
  }
  const error = toErrorJson(opened.thrown, 'CONNECTION_FAILED');
  if (!isUnreadable(error.code)) return holdUnreadable(session, host, written, error);
  const held = await quarantineLost(session, host, written, error);
  if (!held.lost) await new Hold(held).run();
}

class Hold {
  private readonly held: HeldActor;
  /** Whether the first messages have come: they say how far the last holder got. */
  private begun = false;

  constructor(held: HeldActor) {
    this.held = held;
  }

  async run(): Promise<void> {
    try {
      while (!this.held.lost) {
        const taken = await this.held.session.take(this.hasEnded ? LAST_TAKE : TAKE);
        if (taken.kind !== 'messages') return;
        if ((await this.traced(taken.messages)) === 'lost') return;
      }
    } finally {
      await Promise.all(this.held.settling);
    }
  }

  private get hasEnded(): boolean {
    const { core } = this.held.state;
    return this.begun && core !== null && core.status !== 'active';
  }

  private traced(messages: readonly InboundMessage[]): Promise<Progress> {
    const worth = messages.filter(({ subject }) => !UNTRACED.has(subject));
    if (worth.length === 0 || !isTracing()) return this.batch(messages);
    return inSpan(
      SPAN.process(this.held.session.entity),
      {
        kind: SpanKind.CONSUMER,
        parent: this.spanParent(worth),
        links: worth
          .slice(0, 128)
          .flatMap((message) => (message.traceparent === undefined ? [] : [message.traceparent])),
        attributes: {
          [ATTR.messagingSystem]: MESSAGING_SYSTEM,
          [ATTR.messagingDestination]: this.held.session.entity,
          [ATTR.messagingOperationName]: 'process',
          [ATTR.messagingOperationType]: 'process',
          [ATTR.messagingBatchCount]: messages.length,
          [ATTR.actor]: this.held.name,
        },
      },
      () => this.batch(messages),
    );
  }

  /** The actor's own span, also of one that is only now started; what finds no actor stays in its sender's trace. */
  private spanParent(messages: readonly InboundMessage[]): string | undefined {
    const { core, traceparent } = this.held.state;
    if (core !== null) return formatTraceparent(actorSpan(traceparent, this.held.address, core.incarnation));
    const start = messages.find(mayStart);
    return start === undefined
      ? messages[0]?.traceparent
      : formatTraceparent(actorSpan(start.traceparent, this.held.address, this.held.newborn));
  }

  private async batch(messages: readonly InboundMessage[]): Promise<Progress> {
    if (!this.begun) {
      this.begun = true;
      if ((await this.finish(messages)) === 'lost') return 'lost';
      for (const number of settledBefore(this.held.state, messages)) this.held.settled.add(number);
      if (!isStandingStill(this.held.state) && (await migrate(this.held)) === 'lost') return 'lost';
    }
    const batch: Batch = { active: messages, settlements: [], fetched: new Set() };
    const rest = isLost(this.held.state) ? await takeLost(this.held, messages, batch.settlements) : messages;
    if (rest === 'lost') return 'lost';
    if (isLost(this.held.state)) {
      this.held.settle(batch.settlements, batch.fetched);
      return 'held';
    }
    // What stands for a lost core ends before anything is applied.
    if (!this.held.outlined && this.isAnchored(batch) && (await this.catchUp(batch)) === 'lost')
      return 'lost';
    if ((await this.round(rest, batch)) === 'lost') return 'lost';
    if ((await this.applyDeferred(batch)) === 'lost') return 'lost';
    this.held.settle(batch.settlements, batch.fetched);
    return 'held';
  }

  /** What the holder before may have left undone. */
  private async finish(messages: readonly InboundMessage[]): Promise<Progress> {
    const { held } = this;
    if (held.state.quarantine?.undelivered !== undefined) return wakeLater(held);
    // A purge gives up what has not left: nothing that cannot leave may be in its way.
    if (messages.some(({ subject }) => subject === 'purge')) return 'held';
    // Its inputs are still here, or may be: then it may never have left (I2).
    return mayBeUnsent(held.state, messages)
      ? publishCommitted(held, unfinished(held.state, messages))
      : 'held';
  }

  /** Deferred pieces whose turn has come run under the anchor of this batch: an active message, settled last (I5). */
  private async applyDeferred(batch: Batch): Promise<Progress> {
    if (!this.isAnchored(batch) || isStandingStill(this.held.state)) return 'held';
    const gone = new Set<number>();
    for (;;) {
      const due = dueDeferred(this.held.state).filter((number) => !batch.fetched.has(number));
      if (due.length === 0) break;
      const found = await this.fetch(due, batch, gone);
      if (found.length > 0 && (await this.round(found, batch)) === 'lost') return 'lost';
    }
    if (gone.size === 0) return 'held';
    const deferred = Object.entries(this.held.state.deferred).filter(([, number]) => !gone.has(number));
    return this.held.commit({ ...this.held.state, deferred: Object.fromEntries(deferred) });
  }

  /** Without one that the state knows, a crash could not be told from a turn that was carried out. */
  private isAnchored({ active }: Batch): boolean {
    const recorded = new Set(this.held.state.inbox.unsettled.map(([number]) => number));
    return active.some(({ sequenceNumber }) => recorded.has(sequenceNumber));
  }

  private async fetch(
    numbers: readonly number[],
    batch: Batch,
    gone: Set<number>,
  ): Promise<readonly InboundMessage[]> {
    await this.carryOutDeferrals(numbers, batch);
    const found = await this.held.session.receiveDeferred(numbers);
    const there = new Set(found.map(({ sequenceNumber }) => sequenceNumber));
    const recordedAs = new Map(this.held.state.inbox.unsettled);
    for (const number of numbers) {
      batch.fetched.add(number);
      const isDeferral = recordedAs.get(number)?.kind === 'defer';
      // What is there has been deferred; what is gone was completed by a holder that could not write it down.
      if (there.has(number) ? isDeferral : !isDeferral) this.held.settled.add(number);
      if (!there.has(number) && !isDeferral) gone.add(number);
    }
    return found;
  }

  private async resume(batch: Batch): Promise<Progress> {
    return (await migrate(this.held)) === 'lost' ? 'lost' : this.catchUp(batch);
  }

  /** What a quarantine held back, once it is released. */
  private catchUp(batch: Batch): Promise<Progress> {
    return applyHeld({
      held: this.held,
      settlements: batch.settlements,
      fetch: (numbers) => this.fetch(numbers, batch, new Set()),
      apply: (messages) => this.round(messages, batch),
    });
  }

  /** What came early in this very batch, or the one before, has to be deferred before it can be fetched. */
  private async carryOutDeferrals(due: readonly number[], { settlements }: Batch): Promise<void> {
    await Promise.all(this.held.settling);
    const now = settlements.filter(
      ({ message, disposition }) => disposition.kind === 'defer' && due.includes(message.sequenceNumber),
    );
    for (const settlement of now) settlements.splice(settlements.indexOf(settlement), 1);
    await this.held.settleNow(now);
  }

  private async round(messages: readonly InboundMessage[], batch: Batch): Promise<Progress> {
    const { settlements } = batch;
    const queries: { message: InboundMessage; asker: ReplyAddress }[] = [];
    const watches: { message: InboundMessage; body: WatchBody }[] = [];
    const strays: InboundMessage[] = [];
    let items: Item[] = [];
    const identities = new Set<string>();
    const flush = async (): Promise<Progress> => {
      const waiting = items;
      items = [];
      identities.clear();
      return waiting.length === 0 ? 'held' : applyItems(this.held, waiting, settlements);
    };
    for (const message of messages) {
      const known = identitiesOf(message);
      if (known.some((identity) => identities.has(identity)) && (await flush()) === 'lost') return 'lost';
      for (const identity of known) identities.add(identity);
      const judgement = judge(this.held.state.inbox, message, this.held.settled, this.held.olderPeers);
      if (judgement.kind !== 'new' && !isUnfinished(message, judgement, this.held.state)) {
        if (judgement.kind === 'repeat') this.held.host.counters.dropped++;
        settlements.push({
          message,
          disposition: judgement.kind === 'recorded' ? judgement.disposition : { kind: 'complete' },
        });
        continue;
      }
      const read = await readBody(message, this.held.host.payloads, this.held.inbound).catch(
        (thrown: unknown) => ({ thrown }),
      );
      if ('thrown' in read) return this.held.letGo(read.thrown);
      if (read.kind === 'refused') {
        const { code, message: description } = read.error;
        settlements.push({ message, disposition: { kind: 'deadLetter', reason: code, description } });
        continue;
      }
      if (read.unread === true) this.held.unread.add(message.sequenceNumber);
      const body = ofThisLife(read.body, this.held.state.core?.incarnation ?? this.held.newborn);
      if (body === undefined) {
        this.held.host.counters.dropped++;
        strays.push(message);
        settlements.push({ message, disposition: { kind: 'complete' } });
        continue;
      }
      if (body.kind === 'query') {
        queries.push({ message, asker: body.asker });
        continue;
      }
      if (body.kind === 'watch') {
        watches.push({ message, body });
        continue;
      }
      if (isWake(message)) {
        const delivery = { held: this.held, message, settlements, resume: () => this.resume(batch) };
        if ((await flush()) === 'lost' || (await deliver(delivery)) === 'lost') return 'lost';
        continue;
      }
      if (isRemedy(body, this.held.state)) {
        if ((await flush()) === 'lost' || (await this.remedy(message, body, batch)) === 'lost') return 'lost';
        continue;
      }
      const input = withTrace(body, message);
      if (input.kind === 'reply' && hasEarlyPieces(this.held.state, items, input)) {
        if ((await flush()) === 'lost' || (await this.applyDeferred(batch)) === 'lost') return 'lost';
      }
      // A message that was in hand when a host died runs alone, its attempt written first: neighbours are not blamed (I7).
      // A deferral counts as a delivery too.
      const suspect = message.deliveryCount > (batch.fetched.has(message.sequenceNumber) ? 1 : 0);
      const alone = suspect || isExpiry(input);
      if (alone && (await flush()) === 'lost') return 'lost';
      // Forgotten before, and what lay in the payload store perhaps not removed yet.
      if (isExpiry(input) && this.held.state.core === null && (await this.held.removeLives()) === 'lost')
        return 'lost';
      const family = input.kind === 'start' ? await this.familyOf(message) : {};
      if (family === 'lost') return 'lost';
      items.push({ message, input, suspect, ...family });
      if (alone && (await flush()) === 'lost') return 'lost';
    }
    if ((await flush()) === 'lost' || (await this.takeWatches(watches, settlements)) === 'lost')
      return 'lost';
    if ((await this.held.publish(markEntries(this.held.address, strayMarks(strays)))) === 'lost')
      return 'lost';
    return this.answerQueries(queries, settlements);
  }

  /** Of a start: into which family the actor would be born, if it is said by somebody who may say so. */
  private async familyOf(message: InboundMessage): Promise<Pick<Item, 'family'> | 'lost'> {
    const { [PROPERTY.family]: given } = message.properties;
    if (given === undefined) return {};
    const { payloads, onUnsigned } = this.held.host;
    try {
      const family = signedFamily(await payloads.seal(), message);
      if (family !== undefined && family.length <= BOUNDS.pathLength) return { family };
    } catch (thrown) {
      return this.held.letGo(thrown);
    }
    onUnsigned(String(given));
    return {};
  }

  /** Harmless to repeat: a watch that is not recorded as applied is a renewal of itself. */
  private async takeWatches(
    watches: readonly { readonly message: InboundMessage; readonly body: WatchBody }[],
    settlements: Settlement[],
  ): Promise<Progress> {
    if (watches.length === 0) return 'held';
    const entries: OutboxEntry[] = [];
    let { state } = this.held;
    for (const { message, body } of watches) {
      const watched = watch(state, message, body, this.held.address, this.held.host.clock.now());
      state = watched.state;
      entries.push(...watched.answers);
      settlements.push({ message, disposition: { kind: 'complete' } });
    }
    if (state !== this.held.state && (await this.held.commit(state)) === 'lost') return 'lost';
    return this.held.publish(entries);
  }

  private remedy(message: InboundMessage, body: RemedyBody, batch: Batch): Promise<Progress> {
    const { held } = this;
    return remedy({
      held,
      message,
      body,
      settlements: batch.settlements,
      catchUp: () => this.catchUp(batch),
    });
  }

  private async answerQueries(
    queries: readonly { readonly message: InboundMessage; readonly asker: ReplyAddress }[],
    settlements: Settlement[],
  ): Promise<Progress> {
    const { core } = this.held.state;
    const now = this.held.host.clock.now();
    const entries = queries
      .filter(({ message }) => !isLate(message, now))
      .map(({ message, asker }) =>
        core === null
          ? notFound(message, asker, this.held.address)
          : answer(message, asker, answerToQuery(core, this.held.state)),
      );
    settlements.push(
      ...queries.map(({ message }) => ({ message, disposition: { kind: 'complete' } as const })),
    );
    try {
      const { host, address } = this.held;
      return await this.held.publish(await claimEntries(entries, host, address, core?.incarnation ?? ''));
    } catch (thrown) {
      return this.held.letGo(thrown);
    }
  }
}

function mayStart({ subject, body }: InboundMessage): boolean {
  return subject === 'start' || (subject === 'event' && Object.hasOwn(Object(body), 'start'));
}

/** A query says how long its asker waits, and is dropped when late (I13): all of it by the broker's clock. */
function isLate({ enqueuedAt, properties }: InboundMessage, now: number): boolean {
  const patience = properties[PROPERTY.patience];
  return typeof patience === 'number' && enqueuedAt + patience < now;
}

function withTrace(input: Item['input'], message: InboundMessage): Item['input'] {
  return input.kind === 'reply' && message.traceparent !== undefined
    ? { ...input, traceparent: message.traceparent }
    : input;
}
