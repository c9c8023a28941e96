// Messages that become visible later. A request carries one enqueue time and brings back the numbers that cancel.
import Long from 'long';
import { QuorateError, tooLate } from '../../contract/errors.ts';
import type { Logger } from '../../contract/ports.ts';
import { headerBytes, MAX_SEND_BYTES } from '../../contract/sizes.ts';
import { toServiceBusMessage } from '../codec.ts';
import { isMessageGone } from '../connection/sdk-errors.ts';
import { immediate } from '../time/waiting.ts';
import { inSendSpan, type PendingMessage } from './publish-call.ts';
import type { Delivery } from './until-accepted.ts';

/** Bytes of a request, whose messages travel in one AMQP message; one message alone may take MAX_SEND_BYTES. */
const REQUEST_BYTES = 200_000;
const REQUEST_MESSAGES = 100;
const REQUESTS_AT_ONCE = 32;

export interface SchedulerOptions {
  readonly entity: string;
  readonly delivery: Delivery;
  readonly logger: Logger;
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  #waiting: PendingMessage[] = [];
  #running: Promise<void> | undefined;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  push(pendingMessage: PendingMessage): void {
    this.#waiting.push(pendingMessage);
    this.#running ??= this.#run();
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  /** Returns the numbers under which nothing is scheduled. */
  async cancel(sequenceNumbers: readonly number[]): Promise<readonly number[]> {
    if (sequenceNumbers.length === 0) return [];
    const { entity, delivery, logger } = this.#options;
    const longs = sequenceNumbers.map((number) => Long.fromNumber(number));
    try {
      await delivery.run({
        entity,
        what: 'cancelling at',
        attempt: (sender, abortSignal) => sender.cancelScheduledMessages(longs, { abortSignal }),
      });
      return [];
    } catch (thrown) {
      if (!isMessageGone(thrown instanceof QuorateError ? thrown.cause : thrown)) throw thrown;
      // One that is not there fails the whole request; the others are to be cancelled all the same.
      if (longs.length > 1)
        return (await Promise.all(sequenceNumbers.map((number) => this.cancel([number])))).flat();
      logger.debug('not cancelled', { entity, why: String(thrown) });
      return sequenceNumbers;
    }
  }

  async #run(): Promise<void> {
    await immediate();
    while (this.#waiting.length > 0) {
      const requests = group(this.#waiting.splice(0));
      for (let at = 0; at < requests.length; at += REQUESTS_AT_ONCE) {
        await Promise.all(
          requests.slice(at, at + REQUESTS_AT_ONCE).map((pendingMessages) => this.#request(pendingMessages)),
        );
      }
    }
    this.#running = undefined;
  }

  async #request(pendingMessages: readonly PendingMessage[]): Promise<void> {
    const { entity, delivery } = this.#options;
    const first = pendingMessages[0];
    if (first === undefined) return;
    const due = new Date(first.message.notBefore ?? 0);
    try {
      const messages = pendingMessages.map(({ message }) => toServiceBusMessage(message));
      const numbers = await inSendSpan(entity, pendingMessages, () =>
        delivery.run({
          entity,
          what: 'scheduling at',
          attempt: async (sender, abortSignal) => {
            if (pendingMessages.some(({ call }) => call.late)) throw tooLate();
            return sender.scheduleMessages(messages, due, { abortSignal });
          },
        }),
      );
      for (const [at, { call, index }] of pendingMessages.entries()) {
        const number = numbers[at];
        call.accepted(index, number === undefined ? undefined : { sequenceNumber: number.toNumber() });
      }
    } catch (thrown) {
      for (const { call } of pendingMessages) call.fail(thrown);
    }
  }
}

/** By enqueue time, each small enough for one request. What is too large for any is refused here. */
function group(pendingMessages: readonly PendingMessage[]): PendingMessage[][] {
  const open = new Map<number, { pendingMessages: PendingMessage[]; bytes: number }>();
  const requests: PendingMessage[][] = [];
  for (const pendingMessage of pendingMessages) {
    const { message, call } = pendingMessage;
    const bytes = Buffer.byteLength(JSON.stringify(message.body)) + headerBytes(message);
    if (bytes > MAX_SEND_BYTES) {
      const what = `The scheduled message ${message.messageId} to ${message.entity} is larger than ${MAX_SEND_BYTES} bytes.`;
      call.fail(new QuorateError('EFFECT_TOO_LARGE', what));
      continue;
    }
    const due = message.notBefore ?? 0;
    let request = open.get(due);
    if (
      request === undefined ||
      request.bytes + bytes > REQUEST_BYTES ||
      request.pendingMessages.length === REQUEST_MESSAGES
    ) {
      request = { pendingMessages: [], bytes: 0 };
      open.set(due, request);
      requests.push(request.pendingMessages);
    }
    request.pendingMessages.push(pendingMessage);
    request.bytes += bytes;
  }
  return requests;
}
