// Plain sends to one entity: one batch in flight, in order; what comes meanwhile makes up the next batch (I12).
import type { ServiceBusMessageBatch } from '@azure/service-bus';
import { QuorateError, tooLate } from '../../contract/errors.ts';
import { toServiceBusMessage } from '../codec.ts';
import { immediate } from '../time/waiting.ts';
import { inSendSpan, type PendingMessage } from './publish-call.ts';
import type { Delivery } from './until-accepted.ts';

/** A batch may weigh 256 KB on the standard tier, its envelope included. */
const BATCH_BYTES = 200_000;
/** The service's limits allow more; a smaller batch is accepted sooner. */
const BATCH_MESSAGES = 500;

export interface BatchSenderOptions {
  readonly entity: string;
  readonly delivery: Delivery;
}

export class BatchSender {
  readonly #options: BatchSenderOptions;
  #waiting: PendingMessage[] = [];
  #running: Promise<void> | undefined;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
  }

  push(pendingMessage: PendingMessage): void {
    this.#waiting.push(pendingMessage);
    this.#running ??= this.#run();
  }

  /** Everything that was pushed has been accepted or refused. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // One turn of the event loop, so that calls made close together share their first batch.
    await immediate();
    while (this.#waiting.length > 0) await this.#sendSome();
    this.#running = undefined;
  }

  async #sendSome(): Promise<void> {
    const { entity, delivery } = this.#options;
    const what = 'sending to';
    let pendingMessages: readonly PendingMessage[] = [];
    try {
      const batch = await delivery.run({
        entity,
        what,
        attempt: (sender, abortSignal) => sender.createMessageBatch({ abortSignal }),
      });
      pendingMessages = this.#pack(batch);
      if (pendingMessages.length === 0) return;
      await inSendSpan(entity, pendingMessages, () =>
        delivery.run({
          entity,
          what,
          attempt: async (sender, abortSignal) => {
            // A batch that was made in time, and is repeated too late.
            if (pendingMessages.some(({ call }) => call.late)) throw tooLate();
            return sender.sendMessages(batch, { abortSignal });
          },
        }),
      );
      for (const { call, index } of pendingMessages) call.accepted(index);
    } catch (thrown) {
      // Without a link there is no batch: then all that waits fails, as it would one after the other.
      this.#fail(pendingMessages.length > 0 ? pendingMessages : this.#waiting.splice(0), thrown);
    }
  }

  /** As many as fit, from the front. Each is encoded once, by the SDK, which knows the true size. */
  #pack(batch: ServiceBusMessageBatch): PendingMessage[] {
    const packed: PendingMessage[] = [];
    let looked = 0;
    for (const pendingMessage of this.#waiting) {
      if (packed.length === BATCH_MESSAGES || batch.sizeInBytes >= BATCH_BYTES) break;
      if (!pendingMessage.call.late) {
        const verdict = tryAdd(batch, pendingMessage);
        if (verdict === 'full') break;
        if (verdict === 'added') packed.push(pendingMessage);
        else pendingMessage.call.fail(verdict);
      }
      looked += 1;
    }
    this.#waiting.splice(0, looked);
    return packed;
  }

  #fail(pendingMessages: readonly PendingMessage[], error: unknown): void {
    for (const { call } of pendingMessages) call.fail(error);
  }
}

function tryAdd(batch: ServiceBusMessageBatch, { message }: PendingMessage): 'added' | 'full' | QuorateError {
  try {
    if (batch.tryAddMessage(toServiceBusMessage(message))) return 'added';
  } catch (thrown) {
    // Ids that are too long, for example: found while encoding.
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return new QuorateError('INPUT_INVALID', `The message ${message.messageId} cannot be sent: ${why}`);
  }
  if (batch.count > 0) return 'full';
  return new QuorateError(
    'EFFECT_TOO_LARGE',
    `The message ${message.messageId} to ${message.entity} is larger than the ${batch.maxSizeInBytes} bytes that the broker takes.`,
  );
}
