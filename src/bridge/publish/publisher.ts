// Everything this process sends: plain messages in batches, scheduled ones by request.
import { context, trace } from '@opentelemetry/api';
import type { Clock, Logger, Published, PublishOptions } from '../../contract/ports.ts';
import type { WireMessage } from '../../contract/wire.ts';
import { BatchSender } from './batch-sender.ts';
import { PublishCall } from './publish-call.ts';
import { Scheduler } from './scheduler.ts';
import type { Delivery, Senders } from './until-accepted.ts';

export interface PublisherOptions {
  readonly senders: Senders;
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #batchSenders = new Map<string, BatchSender>();
  readonly #schedulers = new Map<string, Scheduler>();

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  publish(
    messages: readonly WireMessage[],
    { mayBegin }: PublishOptions = {},
  ): Promise<readonly Published[]> {
    const call = new PublishCall(messages.length, mayBegin);
    const from = trace.getSpanContext(context.active());
    const now = this.#options.clock.now();
    for (const [index, message] of messages.entries()) {
      // What is due already needs no number to cancel it by.
      const later = message.notBefore !== undefined && message.notBefore > now;
      const way = later ? this.#scheduler(message.entity) : this.#batchSender(message.entity);
      way.push({ message, call, index, from });
    }
    return call.promise;
  }

  cancelScheduled(entity: string, sequenceNumbers: readonly number[]): Promise<readonly number[]> {
    return this.#scheduler(entity).cancel(sequenceNumbers);
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    const ways = [...this.#batchSenders.values(), ...this.#schedulers.values()];
    await Promise.all(ways.map((way) => way.idle()));
    await this.#options.senders.close();
  }

  #batchSender(entity: string): BatchSender {
    let batchSender = this.#batchSenders.get(entity);
    if (batchSender === undefined) {
      batchSender = new BatchSender({ entity, delivery: this.#options.delivery });
      this.#batchSenders.set(entity, batchSender);
    }
    return batchSender;
  }

  #scheduler(entity: string): Scheduler {
    let scheduler = this.#schedulers.get(entity);
    if (scheduler === undefined) {
      const { delivery, logger } = this.#options;
      scheduler = new Scheduler({ entity, delivery, logger });
      this.#schedulers.set(entity, scheduler);
    }
    return scheduler;
  }
}
