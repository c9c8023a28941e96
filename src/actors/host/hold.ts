// One held session: receive, turn, commit, publish, settle. The order of these five is the whole protocol (I1, I2, I5).
import { randomUUID } from 'node:crypto';
import { SpanKind } from '@opentelemetry/api';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import type { ReplyAddress } from '../../contract/effect.ts';
import { toErrorJson } from '../../contract/errors.ts';
import type { Disposition, HeldSession } from '../../contract/ports.ts';
import { ATTR, inSpan, MESSAGING_SYSTEM, SPAN } from '../../contract/telemetry.ts';
import type { TurnResult } from '../../contract/turn.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { PROPERTY } from '../../contract/wire.ts';
import { parseActorBody } from '../protocol/messages.ts';
import type { Item, NextState } from './batch.ts';
import { answer, dueDeferred, endsTombstone, nextState, notFound } from './batch.ts';
import type { ActorHost } from './host.ts';
import { judge } from './inbox.ts';
import { inspectCommit } from './inspect.ts';
import { publishOutbox } from './outbox.ts';
import { queryAnswer } from './query.ts';
import type { OutboxEntry, SessionState } from './session-state.ts';
import { decodeState, emptyState, MAX_STATE_BYTES, stateBytes } from './session-state.ts';
import { actorTraceparent, recordEnded } from './trace.ts';
import { MAX_ATTEMPTS, runTurn } from './turns.ts';

/** Messages folded in one batch of turns at most. */
const BATCH = 256;
/** Idle sessions are let go well within a second (I14). */
const IDLE_MS = 400;
/** After a failed publish: the session is let go and comes back; not at once. */
const PUBLISH_BACKOFF_MS = 250;

type Progress = 'held' | 'lost';

interface Settlement {
  readonly message: InboundMessage;
  readonly disposition: Disposition;
}

export async function holdSession(session: HeldSession, host: ActorHost): Promise<void> {
  const read = await session.readState();
  if (read.kind === 'lost') return;
  const decoded = decodeState(read.state);
  if (decoded.kind === 'foreign')
    return host.onForeignState(`${host.machine.type}/${session.sessionId}: ${decoded.why}`);
  const state =
    decoded.kind === 'state' ? decoded.state : emptyState(host.machine.type, host.machine.version);
  await new ActorSession(session, host, state).run();
}

class ActorSession {
  private readonly session: HeldSession;
  private readonly host: ActorHost;
  private readonly actor: ActorAddress;
  private readonly epoch = randomUUID();
  /** Settlements confirmed since the last commit, and those under way. */
  private readonly settled = new Set<number>();
  private readonly settling = new Set<Promise<unknown>>();
  private state: SessionState;
  /** Whether the outbox in the state is known to be published (I2). */
  private published: boolean;
  private lost = false;
  /** What an actor that is started here is called by; drawn anew with each accept, so that a lost start leaves no trace. */
  private newborn: string = randomUUID();

  constructor(session: HeldSession, host: ActorHost, state: SessionState) {
    this.session = session;
    this.host = host;
    this.actor = { type: host.machine.type, id: session.sessionId };
    this.state = state;
    this.published = state.outbox.length === 0;
  }

  async run(): Promise<void> {
    try {
      while (!this.lost) {
        const taken = await this.session.take({ max: BATCH, idleMs: IDLE_MS });
        if (taken.kind !== 'messages') return;
        if ((await this.traced(taken.messages)) === 'lost') return;
      }
    } finally {
      await Promise.all(this.settling);
    }
  }

  /** Queries and waits are asked from outside, over and over: they get no spans. */
  private traced(messages: readonly InboundMessage[]): Promise<Progress> {
    const worth = messages.filter(({ subject }) => subject !== 'query' && subject !== 'await');
    if (worth.length === 0) return this.batch(messages);
    return inSpan(
      SPAN.process(this.session.entity),
      {
        kind: SpanKind.CONSUMER,
        parent: this.spanParent(worth),
        links: worth
          .slice(0, 128)
          .flatMap((message) => (message.traceparent === undefined ? [] : [message.traceparent])),
        attributes: {
          [ATTR.messagingSystem]: MESSAGING_SYSTEM,
          [ATTR.messagingDestination]: this.session.entity,
          [ATTR.messagingOperationName]: 'process',
          [ATTR.messagingOperationType]: 'process',
          [ATTR.messagingBatchCount]: messages.length,
          [ATTR.actor]: formatAddress(this.actor),
        },
      },
      () => this.batch(messages),
    );
  }

  /** The actor's own span, also of one that is only now started; what finds no actor stays in its sender's trace. */
  private spanParent(messages: readonly InboundMessage[]): string | undefined {
    const { core, traceparent } = this.state;
    if (core !== null) return actorTraceparent(traceparent, this.actor, core.incarnation);
    const start = messages.find(({ subject }) => subject === 'start');
    return start === undefined
      ? messages[0]?.traceparent
      : actorTraceparent(start.traceparent, this.actor, this.newborn);
  }

  private async batch(messages: readonly InboundMessage[]): Promise<Progress> {
    if (!this.published) {
      // An input of the committed turn that is still here says that its outbox may never have left; I5 proves otherwise.
      const redelivered = messages.some((message) => judge(this.state.inbox, message).kind === 'recorded');
      if (redelivered && (await this.publish(this.state.outbox)) === 'lost') return 'lost';
      this.published = true;
    }
    const settlements: Settlement[] = [];
    if ((await this.round(messages, settlements)) === 'lost') return 'lost';
    // Deferred pieces whose turn has come run under the anchor of this batch: an active message, settled last (I5).
    for (let due = this.due(settlements); due.length > 0; due = this.due(settlements)) {
      const fetched = await this.session.receiveDeferred(due);
      if (fetched.length === 0) break;
      if ((await this.round(fetched, settlements)) === 'lost') return 'lost';
    }
    this.settle(settlements.toReversed());
    await this.host.crash('after-settle', formatAddress(this.actor));
    return 'held';
  }

  private due(settlements: readonly Settlement[]): number[] {
    const handled = new Set(settlements.map(({ message }) => message.sequenceNumber));
    return dueDeferred(this.state).filter((number) => !handled.has(number));
  }

  private async round(messages: readonly InboundMessage[], settlements: Settlement[]): Promise<Progress> {
    const queries: { message: InboundMessage; asker: ReplyAddress }[] = [];
    let items: Item[] = [];
    const flush = async (): Promise<Progress> => {
      const batch = items;
      items = [];
      return batch.length === 0 ? 'held' : this.apply(batch, settlements);
    };
    for (const message of messages) {
      const judgement = judge(this.state.inbox, message);
      if (judgement.kind !== 'new') {
        if (judgement.kind === 'repeat') this.host.counters.dropped++;
        settlements.push({
          message,
          disposition: judgement.kind === 'recorded' ? judgement.disposition : { kind: 'complete' },
        });
        continue;
      }
      const parsed = parseActorBody(message);
      if (!parsed.ok) {
        settlements.push({
          message,
          disposition: { kind: 'deadLetter', reason: 'INPUT_INVALID', description: parsed.why },
        });
        continue;
      }
      if (parsed.body.kind === 'query') {
        queries.push({ message, asker: parsed.body.asker });
        continue;
      }
      const item = { message, input: withTrace(parsed.body, message) };
      // A message that was in hand when a host died runs alone, its attempt written first: neighbours are not blamed (I7).
      const suspect = message.deliveryCount > 0;
      if (suspect && (await flush()) === 'lost') return 'lost';
      items.push(item);
      if (suspect && (await flush()) === 'lost') return 'lost';
    }
    if ((await flush()) === 'lost') return 'lost';
    return this.answerQueries(queries, settlements);
  }

  private async apply(items: readonly Item[], settlements: Settlement[]): Promise<Progress> {
    let left = items;
    while (left.length > 0) {
      const [first] = left;
      if (first !== undefined && endsTombstone(this.state, first.input))
        return this.forget(left, settlements);
      const outcome = await runTurn(left, this.state, this.actor, this.host, this.newborn, (state) =>
        this.commit(state),
      );
      switch (outcome.kind) {
        case 'lost':
          return 'lost';
        case 'stuck':
          // Nothing is wrong with the messages: the machine cannot be loaded. They stay for a host that can.
          this.host.logger.error(outcome.error.message, {
            code: outcome.error.code,
            actor: formatAddress(this.actor),
          });
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          return 'lost';
        case 'alone':
          for (const item of left) if ((await this.apply([item], settlements)) === 'lost') return 'lost';
          return 'held';
        case 'poison':
          this.host.counters.poisoned++;
          settlements.push(
            ...left.map(({ message }) => ({
              message,
              disposition: {
                kind: 'deadLetter',
                reason: 'TURN_POISONED',
                description: describe(outcome.error),
              } as const,
            })),
          );
          return 'held';
        case 'ran': {
          const progress = await this.conclude(left, outcome.result, settlements);
          if (progress !== 'held') return progress;
          left = left.slice(outcome.result.verdicts.length);
        }
      }
    }
    return 'held';
  }

  private async conclude(
    items: readonly Item[],
    result: TurnResult,
    settlements: Settlement[],
  ): Promise<Progress> {
    const { host } = this;
    const now = host.clock.now();
    const before = this.state.core;
    let next: NextState;
    try {
      next = nextState(this.state, items, result, {
        actor: this.actor,
        epoch: this.epoch,
        now,
        duplicateWindowMs: host.duplicateWindowMs,
        retentionMs: host.retentionMs,
        settled: this.settled,
      });
      if (next.state !== undefined) checkStateSize(next.state);
    } catch (error) {
      // Too large to commit: found here, before the commit. Alone, it is this message's fault.
      if (items.length > 1) {
        for (const item of items) if ((await this.apply([item], settlements)) === 'lost') return 'lost';
        return 'held';
      }
      const { code, message } = toErrorJson(error, 'MACHINE_THREW');
      host.counters.poisoned++;
      settlements.push(
        ...items.map((item) => ({
          message: item.message,
          disposition: { kind: 'deadLetter', reason: code, description: message } as const,
        })),
      );
      return 'held';
    }
    if (next.state !== undefined) {
      await host.crash('before-commit', formatAddress(this.actor));
      if ((await this.commit(next.state)) === 'lost') return 'lost';
      await host.crash('after-commit', formatAddress(this.actor));
      inspectCommit(host, this.actor, result);
      writeLogs(host, this.actor, result);
    }
    host.counters.applied += result.verdicts.filter(({ kind }) => kind === 'applied').length;
    host.counters.dropped += next.dropped;
    if ((await this.publish(next.entries)) === 'lost') return 'lost';
    await host.crash('after-publish', formatAddress(this.actor));
    if (next.state !== undefined) {
      const inputs = items.map(({ input }) => input);
      // Ended once all that left because of it has left: no send begins after the end of what sent it.
      recordEnded({
        actor: this.actor,
        origin: next.state.traceparent,
        before,
        inputs,
        result,
        now: host.clock.now(),
      });
    }
    settlements.push(...next.dispositions);
    return 'held';
  }

  private async commit(state: SessionState): Promise<Progress> {
    const outcome = await this.session.commit(state as never);
    if (outcome === 'lost') {
      this.lost = true;
      return 'lost';
    }
    this.host.counters.commits++;
    for (const [sequenceNumber] of this.state.inbox.unsettled) {
      if (!state.inbox.unsettled.some(([known]) => known === sequenceNumber))
        this.settled.delete(sequenceNumber);
    }
    this.state = state;
    return 'held';
  }

  private async publish(entries: readonly OutboxEntry[]): Promise<Progress> {
    if (entries.length === 0) return 'held';
    const { host, actor, state } = this;
    try {
      const scheduled = await publishOutbox(entries, {
        ...host,
        actor,
        incarnation: state.core?.incarnation ?? '',
        traceparent: state.traceparent,
        runAction: (entry) => this.runAction(entry),
      });
      this.state = { ...this.state, scheduled: { ...this.state.scheduled, ...scheduled } };
      return 'held';
    } catch (error) {
      const { code, message } = toErrorJson(error, 'CONNECTION_FAILED');
      host.logger.warn(`not published yet: ${message}`, {
        code,
        actor: formatAddress(actor),
        turn: state.core?.turn,
      });
      await new Promise((resolve) => setTimeout(resolve, PUBLISH_BACKOFF_MS));
      this.lost = true;
      return 'lost';
    }
  }

  private async runAction({ name, params, event }: OutboxEntry & { kind: 'action' }): Promise<void> {
    const { host, actor, state } = this;
    const snapshot = state.core?.snapshot as { readonly context?: never } | undefined;
    const context = snapshot?.context ?? null;
    const response = await host.pool.run({
      kind: 'action',
      machine: host.machine,
      name,
      params,
      event,
      context,
    });
    const error =
      response.kind === 'failed'
        ? response.error
        : response.kind === 'outcome' && response.outcome.status === 'error'
          ? response.outcome.error
          : undefined;
    if (error === undefined) return;
    host.logger.error(`action ${name} failed: ${error.message}`, {
      code: error.code,
      actor: formatAddress(actor),
      turn: state.core?.turn,
    });
  }

  /** Not waited for: the next batch may run meanwhile; what is not confirmed by its commit stays recorded (I4). */
  private settle(settlements: readonly Settlement[]): void {
    for (const settlement of settlements) {
      const done = this.settleOne(settlement).finally(() => this.settling.delete(done));
      this.settling.add(done);
    }
  }

  private async settleOne({ message, disposition }: Settlement): Promise<void> {
    const outcome = await this.session.settle(message, disposition);
    if (outcome === 'settled') this.settled.add(message.sequenceNumber);
    else this.lost = true;
  }

  private async answerQueries(
    queries: readonly { readonly message: InboundMessage; readonly asker: ReplyAddress }[],
    settlements: Settlement[],
  ): Promise<Progress> {
    const { core } = this.state;
    const now = this.host.clock.now();
    const entries = queries
      .filter(({ message }) => !isLate(message, now))
      .map(({ message, asker }) =>
        core === null
          ? notFound(message, asker)
          : answer(message, asker, { kind: 'answer', answer: 'snapshot', snapshot: queryAnswer(core) }),
      );
    settlements.push(
      ...queries.map(({ message }) => ({ message, disposition: { kind: 'complete' } as const })),
    );
    return this.publish(entries);
  }

  /** The retention time is over: the smallest bytes that the SDK can write mean "no actor". */
  private async forget(items: readonly Item[], settlements: Settlement[]): Promise<Progress> {
    if ((await this.session.commit(null)) === 'lost') return 'lost';
    this.state = emptyState(this.host.machine.type, this.host.machine.version);
    this.published = true;
    this.newborn = randomUUID();
    const [first, ...rest] = items;
    if (first !== undefined) settlements.push({ message: first.message, disposition: { kind: 'complete' } });
    return rest.length === 0 ? 'held' : this.apply(rest, settlements);
  }
}

/** A query carries its deadline and is dropped when late (I13). */
function isLate(message: InboundMessage, now: number): boolean {
  const deadline = message.properties[PROPERTY.deadline];
  return typeof deadline === 'number' && deadline < now;
}

function withTrace(input: Item['input'], message: InboundMessage): Item['input'] {
  return input.kind === 'reply' && message.traceparent !== undefined
    ? { ...input, traceparent: message.traceparent }
    : input;
}

function checkStateSize(state: SessionState): void {
  const bytes = stateBytes(state);
  if (bytes <= MAX_STATE_BYTES) return;
  throw Object.assign(new Error(`the state would be ${bytes} bytes, at most ${MAX_STATE_BYTES} fit`), {
    code: 'STATE_TOO_LARGE',
  });
}

function describe(error: { readonly code: string; readonly message: string }): string {
  return `${error.code} on each of ${MAX_ATTEMPTS} attempts: ${error.message}`;
}

function writeLogs(host: ActorHost, actor: ActorAddress, result: TurnResult): void {
  for (const { turn, effect } of result.effects) {
    if (effect.kind !== 'log') continue;
    host.logger.info(effect.label ?? 'log', { actor: formatAddress(actor), turn, value: effect.value });
  }
}
