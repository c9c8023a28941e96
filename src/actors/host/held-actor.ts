// What this process has of one actor while it holds the session: the committed state, whether the lock is still ours, and
// which settlements are confirmed. The steps of the protocol; their order is in apply.ts and hold.ts.
import { randomUUID } from 'node:crypto';
import type { ActorAddress } from '../../contract/address.ts';
import { formatAddress } from '../../contract/address.ts';
import { toErrorJson } from '../../contract/errors.ts';
import type { Disposition, HeldSession } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import type { ActorHost } from './host.ts';
import { publishOutbox } from './outbox.ts';
import { rememberedNumbers } from './redelivery.ts';
import { runAction } from './run-action.ts';
import type { OutboxEntry, SessionState } from './session-state.ts';
import { emptyState } from './session-state.ts';

/** After a failed publish: the session is let go and comes back; not at once. */
const PUBLISH_BACKOFF_MS = 250;

export type Progress = 'held' | 'lost';

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
  /** What an actor that is started here is called by; drawn anew with each accept, so that a lost start leaves no trace. */
  newborn: string = randomUUID();
  /** Settlements confirmed and not yet forgotten by a commit, and those under way. */
  readonly settled = new Set<number>();
  readonly settling = new Set<Promise<unknown>>();

  constructor(session: HeldSession, host: ActorHost, state: SessionState) {
    this.session = session;
    this.host = host;
    this.address = { type: host.machine.type, id: session.sessionId };
    this.state = state;
  }

  get name(): string {
    return formatAddress(this.address);
  }

  async commit(state: SessionState): Promise<Progress> {
    const outcome = await this.session.commit(state as never);
    if (outcome === 'lost') {
      this.lost = true;
      return 'lost';
    }
    this.host.counters.commits++;
    this.state = state;
    return 'held';
  }

  async publish(entries: readonly OutboxEntry[]): Promise<Progress> {
    if (entries.length === 0) return 'held';
    const { host, address: actor, state } = this;
    try {
      const scheduled = await publishOutbox(entries, {
        ...host,
        actor,
        incarnation: state.core?.incarnation ?? '',
        traceparent: state.traceparent,
        runAction: (entry) => runAction(entry, host, actor, state),
      });
      this.state = { ...this.state, scheduled: { ...this.state.scheduled, ...scheduled } };
      return 'held';
    } catch (error) {
      const { code, message } = toErrorJson(error, 'CONNECTION_FAILED');
      host.logger.warn(`not published yet: ${message}`, {
        code,
        actor: this.name,
        turn: state.core?.turn,
      });
      await new Promise((resolve) => setTimeout(resolve, PUBLISH_BACKOFF_MS));
      this.lost = true;
      return 'lost';
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
    const remembered = rememberedNumbers(this.state);
    await Promise.all(
      settlements.map(async ({ message, disposition }) => {
        const outcome = await this.session.settle(message, disposition);
        if (outcome === 'lost') this.lost = true;
        else if (remembered.has(message.sequenceNumber)) this.settled.add(message.sequenceNumber);
      }),
    );
  }

  /** The smallest bytes that the SDK can write mean "no actor". What was settled must be so before nobody knows it any more. */
  async forget(): Promise<Progress> {
    await Promise.all(this.settling);
    if (this.lost || (await this.session.commit(null)) === 'lost') return 'lost';
    this.state = emptyState(this.host.machine.type, this.host.machine.version);
    this.newborn = randomUUID();
    return 'held';
  }
}
