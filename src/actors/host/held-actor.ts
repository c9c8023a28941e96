// What this process has of one actor while it holds the session: the committed state and whether the lock is still ours. Every
// state is committed here (I2), and only here: what a hold does next follows from the state that its last commit left.
import { randomUUID } from 'node:crypto';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import { toErrorJson } from '../../contract/errors.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { PayloadRef } from '../../contract/payload.ts';
import type { HeldSession } from '../../contract/ports.ts';
import type { TurnResult } from '../../contract/turn.ts';
import { inboundFolder, livesFolder } from '../protocol/claims.ts';
import { type ActorHost, HoldEnded } from './host.ts';
import { measureCommit } from './metrics.ts';
import { type TimerNumbers, takeAllBack } from './outbox/scheduled.ts';
import type { ItemsMemo } from './outbox/send.ts';
import type { Settlement } from './settle.ts';
import { Settler } from './settle.ts';
import { type Noted, record } from './sort/inbox.ts';
import { NO_PEERS, type OlderPeers } from './sort/peers.ts';
import { type OpenedState, type Stowed, stowState } from './state/claim-state.ts';
import { emptyState, type Inbox, type SessionState, stateBytes } from './state/session-state.ts';
import type { BatchTrace } from './trace.ts';

/** Pause after a publish or a storage that failed, before the session is left. */
const LEAVE_PAUSE_MS = 250;
/** Pause before a machine or a state that could not be loaded is tried again. */
export const STUCK_PAUSE_MS = 1_000;

/** What is folded in one batch of turns at most, and how long a session may idle: well within a second (I14). */
export const TAKE = { max: 256, idleMs: 700 } as const;
/** The same for an actor that has ended: somebody may still ask for its result. */
export const LAST_TAKE = { ...TAKE, idleMs: 50 } as const;

/** Numbers of messages that were settled for good when a state was made, and that it does not name any more. */
export type Forgotten = Iterable<number>;

export interface CommitOptions {
  /** Forgotten once the state is committed (I4). */
  readonly forgets?: Forgotten;
  /** Size of the state as JSON. */
  readonly bytes?: number;
  /** A larger state is put away. */
  readonly most?: number;
  /** The turns that led to it. */
  readonly turns?: Pick<TurnResult, 'steps' | 'effects'>;
}

/** What most stages need of a held actor: what it is, and the state that was committed last. */
export type ActorView = Pick<HeldActor, 'address' | 'host' | 'name' | 'state'>;

const NOTHING_NOTED: readonly Noted[] = [];

export class HeldActor {
  readonly session: HeldSession;
  readonly host: ActorHost;
  readonly address: ActorAddress;
  readonly settler: Settler;
  /** Of the fan-out whose slices leave. */
  readonly itemsMemo: ItemsMemo = {};
  readonly epoch = randomUUID();
  /** Of the batch that is in hand, while it is traced. */
  trace: BatchTrace | undefined;
  #state: SessionState;
  #lost = false;
  #seenAt: number;
  #newborn: string = randomUUID();
  #outlined = false;
  #olderPeers: OlderPeers;
  #unbooked: readonly Noted[] = NOTHING_NOTED;
  /** Where the committed state lies in the payload store, if it does. */
  #claim: PayloadRef | undefined;

  constructor(
    session: HeldSession,
    host: ActorHost,
    { state, claim, olderPeers = NO_PEERS }: OpenedState,
    seenAt = host.clock.now(),
  ) {
    this.session = session;
    this.host = host;
    this.address = { type: host.machine.type, id: session.sessionId };
    const known = host.timerMemory.recall(this.name, state.core);
    this.#state = { ...state, scheduled: { ...known, ...state.scheduled } };
    this.#claim = claim;
    this.#olderPeers = olderPeers;
    this.#seenAt = seenAt;
    this.settler = new Settler({
      session,
      payloads: host.payloads,
      inbound: this.inbound,
      state: () => this.#state,
      isLost: () => this.#lost,
      onLost: () => {
        this.#lost = true;
      },
      warn: (what, thrown) => this.warn(what, thrown),
    });
  }

  /** What was used, until a commit has it (commit/book.ts). */
  get unbooked(): readonly Noted[] {
    return this.#unbooked;
  }

  noteUsages(usages: readonly Noted[]): void {
    if (usages.length > 0) this.#unbooked = [...this.#unbooked, ...usages];
  }

  booked(): void {
    this.#unbooked = NOTHING_NOTED;
  }

  get name(): string {
    return formatAddress(this.address);
  }

  get state(): SessionState {
    return this.#state;
  }

  get isLost(): boolean {
    return this.#lost;
  }

  /** When this process last knew that what it holds is the committed state: by reading it, or by a commit (I2). */
  get seenAt(): number {
    return this.#seenAt;
  }

  /** Incarnation of an actor that is started here. Drawn anew with each accept, so that a lost start leaves no trace. */
  get newborn(): string {
    return this.#newborn;
  }

  /** The core is lost: the outline in its place must not be committed before the end of the actor (lost-core.ts). */
  get isOutlined(): boolean {
    return this.#outlined;
  }

  /** Peers of the committed state that do not lie in the session. */
  get olderPeers(): OlderPeers {
    return this.#olderPeers;
  }

  /** Where what is on its way to it lies. */
  get inbound(): string {
    return inboundFolder(this.host.payloads.scope, this.address);
  }

  /** The inbox with these messages in it and without those that are settled: for one commit, which forgets the latter (I4). */
  recorded(applied: readonly Settlement[]): { readonly inbox: Inbox; readonly forgets: Forgotten } {
    const { host, settler } = this;
    const forgets = [...settler.settled];
    return { inbox: record(this.#state.inbox, applied, settler.settled, host.clock.now(), host), forgets };
  }

  /**
   * For commits that no message is to blame for: what a session does not take goes to the payload store, however small
   * it is.
   */
  async commit(state: SessionState, forgets?: Forgotten): Promise<void> {
    const options = { bytes: stateBytes(state), ...(forgets === undefined ? {} : { forgets }) };
    const whole = await this.tryCommit(state, options);
    if (whole === 'committed') return;
    const claimed = await this.tryCommit(state, { ...options, most: 0 });
    if (claimed !== 'committed') await this.leave(claimed, 'the session state');
  }

  /** An error: the state is too large, and nothing has changed. */
  async tryCommit(given: SessionState, options: CommitOptions = {}): Promise<'committed' | ErrorJson> {
    const { host, address: actor } = this;
    const state =
      host.records === undefined ? given : { ...given, revision: (this.#state.revision ?? 0) + 1 };
    const { bytes = stateBytes(state), forgets = [], most, turns } = options;
    const before = this.#state.core;
    let stowed: Stowed;
    try {
      stowed = await stowState(state, bytes, {
        actor,
        payloads: host.payloads,
        olderPeers: this.#olderPeers,
        memory: host,
        now: host.clock.now(),
        ...(most === undefined ? {} : { most }),
      });
    } catch (thrown) {
      const error = toErrorJson(thrown, 'INTERNAL');
      return error.code === 'STATE_TOO_LARGE' ? error : this.leave(thrown);
    }
    // The outcome of a lost commit is unknown (I1): what it put into the payload store is removed with the actor.
    const beganAt = host.clock.now();
    const sentAt = performance.now();
    const outcome = await this.session.commit(stowed.written as never);
    if (outcome === 'lost') return this.end();
    if (outcome === 'refused') {
      const message = `the broker takes no session state of ${stateBytes(stowed.written)} bytes`;
      return { code: 'STATE_TOO_LARGE', message };
    }
    host.counters.commits++;
    measureCommit(host.metrics, this.#state, state, { ms: performance.now() - sentAt, bytes });
    this.#seenAt = beganAt;
    this.#replace(stowed);
    host.records?.committed({ actor, before, state: this.#state, turns, stateBytes: bytes });
    this.settler.forget(forgets);
    return 'committed';
  }

  /** Removes the former state, which nothing reads any more. What a crash leaves of it is removed with the actor. */
  #replace({ state, written: { claim }, olderPeers }: Stowed): void {
    const formerPeers = this.#state.inbox.olderPeers;
    for (const former of [
      this.#claim?.$payload === claim?.$payload ? undefined : this.#claim,
      formerPeers?.$payload === state.inbox.olderPeers?.$payload ? undefined : formerPeers,
    ])
      if (former !== undefined) this.discard([former]);
    this.#state = state;
    this.#claim = claim;
    this.#olderPeers = olderPeers;
  }

  /** Tells the index of consoles again how the actor is. */
  announce(): void {
    const { state, address: actor } = this;
    this.host.records?.committed({ actor, before: state.core, state });
  }

  /** Numbers that the broker has given to what was scheduled: in the state from the next commit on (scheduled.ts). */
  noteScheduled(numbers: TimerNumbers): void {
    this.#state = { ...this.#state, scheduled: { ...this.#state.scheduled, ...numbers } };
    this.host.timerMemory.remember(this.name, this.#state.core, this.#state.scheduled);
  }

  /** Continues with the outline in the place of a lost core. */
  standIn(state: SessionState): void {
    this.#state = state;
    this.#outlined = true;
  }

  /** Nothing refers to these any more. */
  discard(refs: readonly PayloadRef[]): void {
    for (const ref of refs)
      this.settler.run(
        this.host.payloads
          .remove(ref)
          .catch((error: unknown) => this.warn('a payload was not removed', error)),
      );
  }

  warn(what: string, thrown: unknown): void {
    const { code, message } = toErrorJson(thrown, 'CONNECTION_FAILED');
    this.host.logger.warn(`${what}: ${message}`, { code, actor: this.name, turn: this.#state.core?.turn });
  }

  /** The lock is gone, or is given up: nothing may be written any more (I1). */
  end(): never {
    this.#lost = true;
    throw new HoldEnded();
  }

  /** Something is not there now. Leaves the session, which comes back after a pause. */
  async leave(thrown: unknown, what = 'the payload store'): Promise<never> {
    if (thrown instanceof HoldEnded) throw thrown;
    this.warn(what, thrown);
    await new Promise((resolve) => setTimeout(resolve, LEAVE_PAUSE_MS));
    return this.end();
  }

  /** Nothing is wrong with the messages: the machine cannot be loaded. They stay for a host that can. */
  async leaveStuck({ code, message }: ErrorJson): Promise<never> {
    this.host.logger.error(message, { code, actor: this.name });
    await new Promise((resolve) => setTimeout(resolve, STUCK_PAUSE_MS));
    throw new HoldEnded();
  }

  /** Not even its end is waited for any more. */
  async purge(): Promise<void> {
    try {
      await this.settler.tookBack();
      await takeAllBack(this.address.type, { ...this.host, session: this.session });
    } catch (error) {
      await this.leave(error, 'what it has scheduled was not taken back');
    }
    await this.forget();
  }

  /** There is no state any more. What was settled must be so before nobody knows it any more. */
  async forget(): Promise<void> {
    await this.settler.idle();
    if (this.#lost || (await this.session.commit(null)) === 'lost') throw new HoldEnded();
    this.host.records?.gone(this.address, this.#state);
    this.#state = emptyState(this.host.machine.type, this.host.machine.version);
    this.#newborn = randomUUID();
    this.#claim = undefined;
    this.#olderPeers = NO_PEERS;
    await this.removeLives();
  }

  /**
   * Removes the payloads of an actor that has ended. Harmless to repeat: the host that gets the message again does the
   * rest.
   */
  async removeLives(): Promise<void> {
    try {
      await this.host.payloads.removeFolder(livesFolder(this.host.payloads.scope, this.address));
    } catch (error) {
      await this.leave(error);
    }
  }
}
