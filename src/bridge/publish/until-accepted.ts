// One request to the broker that is harmless to repeat: repeated until it is accepted, refused, or too late (I2).
import { performance } from 'node:perf_hooks';
import type { ServiceBusSender } from '@azure/service-bus';
import type { QuorateError } from '../../contract/errors.ts';
import type { RequestSignal } from '../connection/abort-scope.ts';
import type { WatchedClient } from '../connection/connection.ts';
import { isWorthRepeating, toQuorateError } from '../connection/sdk-errors.ts';
import type { ConnectionWatch } from '../connection/sockets.ts';
import { closeInTime, createBackoff, pause } from '../time/waiting.ts';

/** A caller waits for at most this long while the broker is away. */
const LONGEST_TRY_MS = 15_000;

interface DeliveryOptions {
  readonly senders: Senders;
  readonly toPath: (entity: string) => string;
  /** Host and port, for messages of errors. */
  readonly endpoint: string;
  readonly duplicateWindowMs: number;
  /** The bridge is being closed: what fails from now on is not repeated, or its close would wait for a broker that is gone. */
  readonly closing?: AbortSignal;
}

interface DeliveryRequest<T> {
  readonly entity: string;
  /** What it is doing, for messages of errors: "sending to". */
  readonly what: string;
  readonly attempt: (sender: ServiceBusSender, abortSignal: RequestSignal) => Promise<T>;
}

export interface Delivery {
  /** Rejects with a QuorateError. */
  run<T>(request: DeliveryRequest<T>): Promise<T>;
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { senders, toPath, endpoint, duplicateWindowMs, closing } = options;
  // A repeat after the duplicate window would be taken for a new message.
  const limitMs = Math.min(LONGEST_TRY_MS, duplicateWindowMs / 2);

  const run = async <T>({ entity, what, attempt }: DeliveryRequest<T>): Promise<T> => {
    const startedAt = performance.now();
    const isOver = (): boolean => closing?.aborted === true || performance.now() - startedAt >= limitMs;
    const backoff = createBackoff();
    let error: QuorateError | undefined;
    do {
      // Asked anew for each attempt: the connection may have been replaced.
      const { sender, watch } = senders.get(toPath(entity));
      const reply = await watch.run((signal) => attempt(sender, signal));
      if (reply.kind === 'done') return reply.value;
      const why = reply.kind === 'failed' ? reply.error : (reply.why ?? new Error('the connection was lost'));
      error = toQuorateError(why, `${what} ${entity} at ${endpoint}`);
      if (reply.kind === 'failed' && !isWorthRepeating(why)) break;
      await pause(backoff.next(), closing);
    } while (!isOver());
    if (error.code === 'CONNECTION_FAILED') senders.renew();
    throw error;
  };

  return { run };
}

// The sender links of this process, one an entity, on one connection; a new one whenever that is lost.

interface SenderLink {
  readonly sender: ServiceBusSender;
  readonly watch: ConnectionWatch;
}

export interface Senders {
  get(path: string): SenderLink;
  /** The connection seems beyond repair: later sends get a new one. */
  renew(): void;
  close(): Promise<void>;
}

export function createSenders(createClient: () => WatchedClient): Senders {
  let current: WatchedClient | undefined;
  const links = new Map<string, SenderLink>();

  const drop = async (): Promise<void> => {
    const old = current;
    current = undefined;
    links.clear();
    if (old !== undefined) await closeInTime(old.client.close());
  };
  const connect = (): WatchedClient => {
    const created = createClient();
    created.watch.onLost(() => {
      if (current === created) void drop();
    });
    return created;
  };

  return {
    get(path) {
      let link = links.get(path);
      if (link === undefined) {
        current ??= connect();
        link = { sender: current.client.createSender(path), watch: current.watch };
        links.set(path, link);
      }
      return link;
    },
    renew: () => void drop(),
    close: drop,
  };
}
