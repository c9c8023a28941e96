// What this process has of one actor while it holds the session: the committed state, whether the lock is still ours, and
// which settlements are confirmed. The steps of the protocol; their order is in apply.ts and hold.ts.
import { randomUUID } from 'node:crypto';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import { toErrorJson } from '../../contract/errors.ts';
import type { Json } from '../../contract/json.ts';
import type { ErrorJson } from '../../contract/outcome.ts';
import type { PayloadRef } from '../../contract/payload.ts';
import type { Disposition, HeldSession } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { hasClaims, inboundFolder, lifeFolder, livesFolder, removeClaims } from '../protocol/claims.ts';
import type { OpenedState, Stowed } from './claim-state.ts';
import { stowState } from './claim-state.ts';
import type { ActorHost } from './host.ts';
import type { Carried } from './outbox.ts';
import { publishOutbox } from './outbox.ts';
import type { OlderPeers } from './peers.ts';
import { NO_PEERS } from './peers.ts';
import { rememberedNumbers } from './redelivery.ts';
import { takeAllBack } from './scheduled.ts';
import type { OutboxEntry, SessionState } from './session-state.ts';
import { emptyState, stateBytes } from './session-state.ts';
import { actorSpan } from './trace.ts';

/** After a publish or a storage that failed: the session is let go and comes back; not at once. */
const PUBLISH_BACKOFF_MS = 250;

/** What is folded in one batch of turns at most, and how long a session may idle: well within a second (I14). */
export const TAKE = { max: 256, idleMs: 700 } as const;
/** Of an actor that has ended: somebody may still ask for its result. */
export const LAST_TAKE = { ...TAKE, idleMs: 50 } as const;

export type Progress = 'held' | 'lost';

export type Committed = { readonly kind: Progress } | { readonly kind: 'refused'; readonly error: ErrorJson };

export interface Settlement {
  readonly message: InboundMessage;
  readonly disposition: Disposition;
}

export class HeldActor {
  readonly session: HeldSession;
  readonly host: ActorHost;
  readonly address: ActorAddress;
  readonly epoch = randomUUID();
  state: SessionState;
  lost = false;
  /** When this process last knew that what it holds is the committed state: by reading it, or by a commit (I2). */
  seenAt: number;
  /** What an actor that is started here is called by; drawn anew with each accept, so that a lost start leaves no trace. */
  newborn: string = randomUUID();
  /** Settlements confirmed and not yet forgotten by a commit, and those under way. */
  readonly settled = new Set<number>();
  readonly settling = new Set<Promise<unknown>>();
  /** Numbers of messages whose payload could not be read: it is kept, for a codec may only be missing here. */
  readonly unread = new Set<number>();

  /** Its core is lost: what stands for it must not be committed before its end (lost-state.ts). */
  outlined = false;

  /** Until then what anchors the cancelled timers is not settled: a crash would leave them where they are (I5). */
  private takingBack: Promise<unknown> | undefined;
  /** Peers of the committed state that do not lie in the session. */
  olderPeers: OlderPeers;
  /** Where the committed state lies, when it does not lie in the session. */
  private claim: PayloadRef | undefined;

  constructor(session: HeldSession, host: ActorHost, { state, claim, olderPeers = NO_PEERS }: OpenedState) {
    this.session = session;
    this.host = host;
    this.address = { type: host.machine.type, id: session.sessionId };
    const known = host.timerMemory.recall(this.name, state.core);
    this.state = { ...state, scheduled: { ...known, ...state.scheduled } };
    this.claim = claim;
    this.olderPeers = olderPeers;
    this.seenAt = host.clock.now();
  }

  get name(): string {
    return formatAddress(this.address);
  }

  /** For what no message is to blame for: what a session does not take goes to the payload store, however small it is. */
  async commit(state: SessionState): Promise<Progress> {
    const bytes = stateBytes(state);
    const whole = await this.tryCommit(state, bytes);
    if (whole.kind !== 'refused') return whole.kind;
    const claimed = await this.tryCommit(state, bytes, 0);
    return claimed.kind === 'refused' ? this.letGo(claimed.error, 'the session state') : claimed.kind;
  }

  /** `refused`: it is too large, and nothing has changed. `bytes`: of the state as JSON. `most`: a larger one is put away. */
  async tryCommit(state: SessionState, bytes = stateBytes(state), most?: number): Promise<Committed> {
    const { host, address: actor, olderPeers } = this;
    let stowed: Stowed;
    try {
      const { payloads } = host;
      stowed = await stowState(state, bytes, {
        actor,
        payloads,
        olderPeers,
        memory: host,
        now: host.clock.now(),
        ...(most === undefined ? {} : { most }),
      });
    } catch (thrown) {
      const error = toErrorJson(thrown, 'INTERNAL');
      return error.code === 'STATE_TOO_LARGE'
        ? { kind: 'refused', error }
        : { kind: await this.letGo(thrown) };
    }
    // What a commit that is lost has put away goes with the actor: its outcome is unknown (I1).
    const beganAt = host.clock.now();
    const outcome = await this.session.commit(stowed.written as never);
    if (outcome === 'lost') {
      this.lost = true;
      return { kind: 'lost' };
    }
    if (outcome === 'refused') {
      const message = `the broker takes no session state of ${stateBytes(stowed.written)} bytes`;
      return { kind: 'refused', error: { code: 'STATE_TOO_LARGE', message } };
    }
    this.host.counters.commits++;
    this.seenAt = beganAt;
    this.replaceClaims(stowed);
    return { kind: 'held' };
  }

  /** Nothing reads the former state any more; what is left of it by a crash goes with the actor. */
  private replaceClaims({ state, written: { claim }, olderPeers }: Stowed): void {
    const formerPeers = this.state.inbox.olderPeers;
    for (const former of [
      this.claim?.$payload === claim?.$payload ? undefined : this.claim,
      formerPeers?.$payload === state.inbox.olderPeers?.$payload ? undefined : formerPeers,
    ])
      if (former !== undefined) this.background(this.host.payloads.remove(former));
    this.state = state;
    this.claim = claim;
    this.olderPeers = olderPeers;
  }

  /** Nothing refers to these any more. */
  discard(refs: readonly PayloadRef[]): void {
    for (const ref of refs) this.background(this.host.payloads.remove(ref));
  }

  private background(work: Promise<unknown>): void {
    const done: Promise<unknown> = work
      .catch((error: unknown) => this.warn('a payload was not removed', error))
      .finally(() => this.settling.delete(done));
    this.settling.add(done);
  }

  private warn(what: string, thrown: unknown): void {
    const { code, message } = toErrorJson(thrown, 'CONNECTION_FAILED');
    this.host.logger.warn(`${what}: ${message}`, { code, actor: this.name, turn: this.state.core?.turn });
  }

  /** What this needs is not there now: the session is let go and comes back; not at once. */
  async letGo(thrown: unknown, what = 'the payload store'): Promise<'lost'> {
    this.warn(what, thrown);
    await new Promise((resolve) => setTimeout(resolve, PUBLISH_BACKOFF_MS));
    this.lost = true;
    return 'lost';
  }

  /** Answers and the like: nothing that the state holds. What their target refuses is said, and not sent. */
  async publish(entries: readonly OutboxEntry[]): Promise<Progress> {
    const carried = await this.carryOut(entries);
    if (carried === 'lost') return 'lost';
    if (carried.refusal !== undefined) this.warn('an answer was not sent', carried.refusal);
    return 'held';
  }

  /** `unfinished` = times that a holder was gone before the outbox had left. */
  async carryOut(entries: readonly OutboxEntry[], unfinished = 0): Promise<Carried | 'lost'> {
    if (entries.length === 0) return { scheduled: {}, takenBack: Promise.resolve(), left: [] };
    const { host, address: actor, state } = this;
    const incarnation = state.core?.incarnation ?? '';
    const life = lifeFolder(host.payloads.scope, actor, incarnation);
    try {
      const carried = await publishOutbox(entries, {
        ...host,
        session: this.session,
        actor,
        incarnation,
        life,
        family: state.family ?? life,
        span: actorSpan(state.traceparent, actor, incarnation),
        // What belongs to no commit, answers to questions, is never too late.
        mayBegin: () =>
          entries !== state.outbox || host.clock.now() - this.seenAt <= host.duplicateWindowMs / 2,
        advance: (entry, cursor) => this.commit(withCursor(this.state, entry.execution, cursor)),
        beginActions: (actions) =>
          host.actions.begin(actions, {
            actor,
            machine: host.machine,
            incarnation,
            life,
            turn: state.core?.turn ?? 0,
            context: contextOf(state),
            traceparent: state.traceparent,
            unfinished,
          }),
      });
      this.state = { ...this.state, scheduled: { ...this.state.scheduled, ...carried.scheduled } };
      host.timerMemory.remember(this.name, this.state.core, this.state.scheduled);
      if (entries.some(({ kind }) => kind === 'cancel'))
        this.takingBack = Promise.all([this.takingBack, carried.takenBack]);
      return carried;
    } catch (error) {
      return this.letGo(error, 'not published yet');
    }
  }

  /** Not waited for: the next batch may run meanwhile; what is not confirmed by its commit stays recorded (I4). */
  settle(settlements: readonly Settlement[], fetched: ReadonlySet<number>): void {
    const settleLast = async (fromFetched: boolean): Promise<void> => {
      const these = settlements.filter(({ message }) => fetched.has(message.sequenceNumber) === fromFetched);
      await this.settleNow(these.toReversed());
    };
    // On one link each waits for the one before it; between two links we have to (I5).
    const both = fetched.size === 0 ? settleLast(false) : settleLast(true).then(() => settleLast(false));
    const done = both.finally(() => this.settling.delete(done));
    this.settling.add(done);
  }

  async settleNow(settlements: readonly Settlement[]): Promise<void> {
    if (this.takingBack !== undefined) await this.takingBack;
    const remembered = rememberedNumbers(this.state);
    const isKnown = ({ message }: Settlement): boolean => remembered.has(message.sequenceNumber);
    const done = settlements.filter(
      ({ message, disposition }) =>
        disposition.kind === 'complete' && hasClaims(message) && !this.unread.has(message.sequenceNumber),
    );
    // What the state knows as applied is never read again; of the others this may be the only trace.
    await this.removeClaims(done.filter(isKnown));
    await Promise.all(
      settlements.map(async ({ message, disposition }) => {
        const outcome = await this.session.settle(message, disposition);
        if (outcome === 'lost') this.lost = true;
        else if (remembered.has(message.sequenceNumber)) this.settled.add(message.sequenceNumber);
      }),
    );
    if (!this.lost) await this.removeClaims(done.filter((settlement) => !isKnown(settlement)));
  }

  /** Where what is on its way to it lies. */
  get inbound(): string {
    return inboundFolder(this.host.payloads.scope, this.address);
  }

  private async removeClaims(settlements: readonly Settlement[]): Promise<void> {
    if (settlements.length === 0) return;
    await Promise.all(
      settlements.map(({ message }) => removeClaims(message, this.host.payloads, this.inbound)),
    ).catch((error: unknown) => this.warn('a payload was not removed', error));
  }

  /** Not even its end is waited for any more. */
  async purge(): Promise<Progress> {
    try {
      await this.takingBack;
      await takeAllBack(this.address.type, { ...this.host, session: this.session });
    } catch (error) {
      return this.letGo(error, 'what it has scheduled was not taken back');
    }
    return this.forget();
  }

  /** There is no state any more. What was settled must be so before nobody knows it any more. */
  async forget(): Promise<Progress> {
    await Promise.all(this.settling);
    if (this.lost || (await this.session.commit(null)) === 'lost') return 'lost';
    this.state = emptyState(this.host.machine.type, this.host.machine.version);
    this.newborn = randomUUID();
    this.claim = undefined;
    this.olderPeers = NO_PEERS;
    return this.removeLives();
  }

  /** Of an actor that has ended. Harmless to repeat: what was cut short is done by the host that gets the message again. */
  async removeLives(): Promise<Progress> {
    try {
      await this.host.payloads.removeFolder(livesFolder(this.host.payloads.scope, this.address));
      return 'held';
    } catch (error) {
      return this.letGo(error);
    }
  }
}

function withCursor(state: SessionState, execution: string, cursor: number): SessionState {
  const outbox = state.outbox.map((entry) =>
    entry.kind === 'scatter' && entry.execution === execution ? { ...entry, cursor } : entry,
  );
  return { ...state, outbox };
}

/** As committed: what the named actions of the commit see. */
function contextOf({ core }: SessionState): Json {
  const snapshot = core?.snapshot as { readonly context?: Json } | undefined;
  return snapshot?.context ?? null;
}
