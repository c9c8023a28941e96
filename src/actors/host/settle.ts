// Settles messages, the last stage: each as its turn committed it, the anchor of a batch after all the others (I5). A confirmed
// settlement is remembered here until a commit has dropped the message from the inbox (I4).
import type { Payloads } from '../../contract/payload.ts';
import type { Disposition, HeldSession } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { hasClaims, removeClaims } from '../protocol/claims.ts';
import { rememberedNumbers } from './sort/inbox.ts';
import type { SessionState } from './state/session-state.ts';

export interface Settlement {
  readonly message: InboundMessage;
  readonly disposition: Disposition;
}

export function completed(message: InboundMessage): Settlement {
  return { message, disposition: { kind: 'complete' } };
}

/** What the settler of one held session needs, and whom it tells. */
export interface SettlerContext {
  readonly session: Pick<HeldSession, 'settle'>;
  readonly payloads: Payloads;
  /** Folder of payloads on their way to the actor. */
  readonly inbound: string;
  /** The state that was committed last. */
  readonly state: () => SessionState;
  readonly isLost: () => boolean;
  readonly onLost: () => void;
  readonly warn: (what: string, thrown: unknown) => void;
}

export class Settler {
  readonly #context: SettlerContext;
  readonly #settled = new Set<number>();
  /** Numbers of messages whose payload could not be read: it is kept, for a codec may only be missing here. */
  readonly #unread = new Set<number>();
  readonly #underWay = new Set<Promise<unknown>>();
  /** Until it resolves the anchor of the cancelled timers is not settled: after a crash nobody would cancel them (I5). */
  #takingBack: Promise<unknown> | undefined;

  constructor(context: SettlerContext) {
    this.#context = context;
  }

  /** Numbers of messages whose settlement is confirmed, and that the state may still name. */
  get settled(): ReadonlySet<number> {
    return this.#settled;
  }

  /** Somebody settled it: this process, or a holder before it. */
  confirm(number: number): void {
    this.#settled.add(number);
  }

  /** No state names them any more. */
  forget(numbers: Iterable<number>): void {
    for (const number of numbers) this.#settled.delete(number);
  }

  keepPayloadOf(number: number): void {
    this.#unread.add(number);
  }

  /** Settles nothing more before this has ended, which never rejects. */
  waitFor(takenBack: Promise<void>): void {
    this.#takingBack = Promise.all([this.#takingBack, takenBack]);
  }

  /** Resolves when everything that was cancelled has been taken back. */
  async tookBack(): Promise<void> {
    await this.#takingBack;
  }

  /** Nobody waits for it: the next batch may run meanwhile. What is not confirmed by its commit stays recorded (I4). */
  settle(settlements: readonly Settlement[], fetched: ReadonlySet<number>): void {
    const settleLast = async (fromFetched: boolean): Promise<void> => {
      const these = settlements.filter(({ message }) => fetched.has(message.sequenceNumber) === fromFetched);
      await this.settleNow(these.toReversed());
    };
    // A link keeps its own order. Between two links we have to wait (I5).
    this.run(fetched.size === 0 ? settleLast(false) : settleLast(true).then(() => settleLast(false)));
  }

  async settleNow(settlements: readonly Settlement[]): Promise<void> {
    if (this.#takingBack !== undefined) await this.#takingBack;
    const { session, state, isLost, onLost } = this.#context;
    const remembered = rememberedNumbers(state());
    const isKnown = ({ message }: Settlement): boolean => remembered.has(message.sequenceNumber);
    const done = settlements.filter(
      ({ message, disposition }) =>
        disposition.kind === 'complete' && hasClaims(message) && !this.#unread.has(message.sequenceNumber),
    );
    // What the state knows as applied is never read again; of the others this may be the only trace.
    await this.#removeClaims(done.filter(isKnown));
    await Promise.all(
      settlements.map(async ({ message, disposition }) => {
        const outcome = await session.settle(message, disposition);
        if (outcome === 'lost') onLost();
        else if (remembered.has(message.sequenceNumber)) this.#settled.add(message.sequenceNumber);
      }),
    );
    if (!isLost()) await this.#removeClaims(done.filter((settlement) => !isKnown(settlement)));
  }

  /** Runs beside the batches; the session is not let go before it has ended. */
  run(work: Promise<unknown>): void {
    const done: Promise<unknown> = work.finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async idle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #removeClaims(settlements: readonly Settlement[]): Promise<void> {
    if (settlements.length === 0) return;
    const { payloads, inbound, warn } = this.#context;
    await Promise.all(settlements.map(({ message }) => removeClaims(message, payloads, inbound))).catch(
      (error: unknown) => warn('a payload was not removed', error),
    );
  }
}
