// One receiver link of a task pump, for the life of its connection. The SDK would bring the link back by itself, but
// gives it full credit then, and one more for every handler of the old link that ends: more at once than asked for.
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from '@azure/service-bus';
import { RECEIVER_OPTIONS } from '../codec.ts';
import type { Reply } from '../connection/abort-scope.ts';
import type { PooledClient } from '../connection/connection-pool.ts';
import { atMost, closeInTime } from '../time/waiting.ts';

export interface TaskReceiverOptions {
  readonly path: string;
  readonly deadLetters: boolean;
  /** Credit: messages in hand at once. */
  readonly concurrency: number;
  readonly link: PooledClient;
  /** One place is free again when it ends; it never rejects, because the SDK would abandon the message. */
  readonly onMessage: (raw: ServiceBusReceivedMessage, from: TaskReceiver) => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** The connection is gone; this receiver gives no more messages. */
  readonly onLost: () => void;
}

/** The SDK gives up draining after 200 ms by itself; a connection attempt may take longer. */
const DRAIN_LIMIT_MS = 1_000;

export class TaskReceiver {
  readonly #options: TaskReceiverOptions;
  readonly #receiver: ServiceBusReceiver;
  readonly #subscription: { close(): Promise<void> };
  readonly #starting = new AbortController();
  readonly #unwatch: () => void;
  #lost = false;

  constructor(options: TaskReceiverOptions) {
    this.#options = options;
    const { link, path, deadLetters, concurrency } = options;
    this.#unwatch = link.watch.onLost((why) => this.#lose(why));
    this.#receiver = link.client.createReceiver(path, {
      ...RECEIVER_OPTIONS,
      receiveMode: 'peekLock',
      ...(deadLetters ? { subQueueType: 'deadLetter' } : {}),
    });
    this.#subscription = link.watch.within(() =>
      this.#receiver.subscribe(
        {
          processMessage: (raw) => options.onMessage(raw, this),
          // What it says of a lost connection is about its own end.
          processError: async ({ error }) => {
            if (!this.#lost) options.onError(error);
          },
        },
        {
          autoCompleteMessages: false,
          maxConcurrentCalls: concurrency,
          abortSignal: this.#starting.signal,
        },
      ),
    );
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** `cancelled` when the connection is lost meanwhile: then ask the receiver that followed. */
  request<T>(start: (receiver: ServiceBusReceiver) => Promise<T>): Promise<Reply<T>> {
    if (this.#lost) return Promise.resolve({ kind: 'cancelled' });
    return this.#options.link.watch.run(() => start(this.#receiver));
  }

  async renewLock(raw: ServiceBusReceivedMessage): Promise<Date> {
    const reply = await this.request((receiver) => receiver.renewMessageLock(raw));
    if (reply.kind === 'done') return reply.value;
    throw reply.kind === 'failed' ? reply.error : (reply.why ?? new Error('The connection was lost.'));
  }

  /** An unsettled message blocks the link after 2,047 others, also when its lock has long run out. */
  forget(raw: ServiceBusReceivedMessage): void {
    if (!this.#lost) void this.#receiver.abandonMessage(raw).catch(() => {});
  }

  /** Takes back the credit; messages that are on their way still come. */
  async drain(): Promise<void> {
    this.#starting.abort();
    await atMost(DRAIN_LIMIT_MS, this.#subscription.close());
  }

  async close(): Promise<void> {
    this.#unwatch();
    await closeInTime(this.#receiver.close());
    this.#options.link.release();
  }

  #lose(why: Error | undefined): void {
    this.#lost = true;
    this.#unwatch();
    if (why !== undefined) this.#options.onError(why);
    // Keeps the SDK from bringing the link back.
    void this.drain().then(() => this.close());
    this.#options.onLost();
  }
}
