// The requests of one held session over its receiver link. Each ends at once when the lock is lost, and one that fails
// means that the lock can no longer be counted on (I1).
import type { ServiceBusReceivedMessage, ServiceBusSessionReceiver } from '@azure/service-bus';
import Long from 'long';
import type { Json } from '../../contract/json.ts';
import type { Disposition } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { fromReceivedMessage } from '../codec.ts';
import { AbortScope, type Reply, type RequestSignal } from '../connection/abort-scope.ts';
import {
  isConnectionLoss,
  isMessageGone,
  isTooLarge,
  sdkError,
  toQuorateError,
} from '../connection/sdk-errors.ts';
import { settleWith } from '../disposition.ts';
import { closeInTime } from '../time/waiting.ts';
import { clearerOf } from './session-states.ts';

/** Why a session was lost together with its connection. */
export const CONNECTION_LOST = 'the connection is lost';
/** Messages looked at in one request. */
const PEEKED_AT_ONCE = 100;

interface Received {
  readonly raw: ServiceBusReceivedMessage;
  /** Ends the SDK's handler, which asks for one more message. A deferred message has no handler. */
  readonly done?: () => void;
}

export class SessionLink {
  readonly sessionId: string;
  /** Epoch ms, as the service named it when it granted the lock. */
  readonly lockedUntilMs: number;
  readonly #receiver: ServiceBusSessionReceiver;
  readonly #onFailed: (why: string) => void;
  readonly #abortScope = new AbortScope();
  readonly #received = new WeakMap<InboundMessage, Received>();
  #closed: Promise<void> | undefined;

  constructor(receiver: ServiceBusSessionReceiver, onFailed: (why: string) => void) {
    this.sessionId = receiver.sessionId;
    this.lockedUntilMs = receiver.sessionLockedUntilUtc.getTime();
    this.#receiver = receiver;
    this.#onFailed = onFailed;
  }

  get sealed(): boolean {
    return this.#abortScope.sealed;
  }

  /** Cancels what is under way and starts nothing more. */
  seal(): void {
    this.#abortScope.seal();
  }

  /** Closing the link raises no delivery count; messages not settled stay where they are. */
  close(): Promise<void> {
    this.#closed ??= closeInTime(this.#receiver.close());
    return this.#closed;
  }

  /** The window is the link's credit: how much backlog can be seen at once. */
  subscribe(window: number, onMessage: (message: InboundMessage) => void): void {
    // The handler ends when its message is settled and never rejects: the SDK would abandon the message, which then
    // comes back after its successors (I4).
    const processMessage = (raw: ServiceBusReceivedMessage): Promise<void> =>
      new Promise((done) => {
        const message = fromReceivedMessage(raw);
        this.#received.set(message, { raw, done });
        onMessage(message);
      });
    const processError = async ({ error }: { readonly error: unknown }): Promise<void> =>
      this.#fail('receiving', error);
    try {
      this.#receiver.subscribe(
        { processMessage, processError },
        { autoCompleteMessages: false, maxConcurrentCalls: window },
      );
    } catch (thrown) {
      // The link ended since it was accepted.
      this.#fail('receiving', thrown);
    }
  }

  readState(): Promise<Reply<unknown>> {
    return this.#ask('reading the state', (abortSignal) => this.#receiver.getSessionState({ abortSignal }));
  }

  /** `null` clears the state: the session is gone with its last message. */
  async writeState(state: Json): Promise<Reply<void>> {
    const clear = state === null ? clearerOf(this.#receiver) : undefined;
    if (clear !== undefined) return this.#ask('clearing the state', clear);
    const reply = await this.#abortScope.run((abortSignal) =>
      this.#receiver.setSessionState(state, { abortSignal }),
    );
    // One that is refused for its size has changed nothing, and the lock is as good as before.
    if (reply.kind === 'failed' && !isTooLarge(reply.error)) this.#fail('committing', reply.error);
    return reply;
  }

  async settle(message: InboundMessage, disposition: Disposition): Promise<Reply<void>> {
    const received = this.#received.get(message);
    if (received === undefined) throw new TypeError('Only a message of this session can be settled here.');
    const reply = await this.#ask(`the settlement ${disposition.kind}`, () =>
      settleWith(this.#receiver, received.raw, disposition),
    );
    if (reply.kind === 'done') received.done?.();
    return reply;
  }

  /** What is not there any more is left out. */
  async receiveDeferred(numbers: readonly number[]): Promise<readonly InboundMessage[]> {
    if (numbers.length === 0) return [];
    const reply = await this.#abortScope.run((signal) => this.#fetchDeferred(numbers, signal));
    if (reply.kind === 'done') return reply.value;
    if (reply.kind === 'cancelled') return [];
    if (!isMessageGone(reply.error)) {
      this.#fail('receiving deferred messages', reply.error);
      return [];
    }
    if (numbers.length === 1) return [];
    // One missing number fails the whole request.
    const parts = await Promise.all(numbers.map((number) => this.receiveDeferred([number])));
    return parts.flat();
  }

  /** Among all that lies in the session. A look that fails says nothing about the lock. */
  async peekScheduled(): Promise<readonly InboundMessage[]> {
    const scheduled: InboundMessage[] = [];
    for (let from = Long.ZERO; ; ) {
      const reply = await this.#abortScope.run((abortSignal) =>
        this.#receiver.peekMessages(PEEKED_AT_ONCE, { fromSequenceNumber: from, abortSignal }),
      );
      if (reply.kind === 'failed') throw toQuorateError(reply.error, 'looking at what is scheduled');
      const last = reply.kind === 'done' ? reply.value.at(-1)?.sequenceNumber : undefined;
      if (reply.kind !== 'done' || last === undefined) return scheduled;
      for (const raw of reply.value) if (raw.state === 'scheduled') scheduled.push(fromReceivedMessage(raw));
      from = last.add(1);
    }
  }

  /** The new expiry, epoch ms; undefined without an answer in time. A failure is the caller's to judge. */
  async renew(patienceMs: number): Promise<number | undefined> {
    const patience = Promise.withResolvers<undefined>();
    const timer = setTimeout(patience.resolve, patienceMs, undefined);
    const renewal = this.#abortScope.run((abortSignal) => this.#receiver.renewSessionLock({ abortSignal }));
    const reply = await Promise.race([renewal, patience.promise]);
    clearTimeout(timer);
    if (reply?.kind === 'failed') throw reply.error;
    return reply?.kind === 'done' ? reply.value.getTime() : undefined;
  }

  async #fetchDeferred(numbers: readonly number[], abortSignal: RequestSignal): Promise<InboundMessage[]> {
    const longs = numbers.map((number) => Long.fromNumber(number));
    const raws = await this.#receiver.receiveDeferredMessages(longs, { abortSignal });
    return raws.map((raw) => {
      const message = fromReceivedMessage(raw);
      this.#received.set(message, { raw });
      return message;
    });
  }

  async #ask<T>(what: string, start: (signal: RequestSignal) => Promise<T>): Promise<Reply<T>> {
    const reply = await this.#abortScope.run(start);
    if (reply.kind === 'failed') this.#fail(what, reply.error);
    return reply;
  }

  #fail(what: string, error: unknown): void {
    const { code, message } = sdkError(error);
    this.#onFailed(isConnectionLoss(error) ? CONNECTION_LOST : `${what} failed: ${code} ${message}`);
  }
}
