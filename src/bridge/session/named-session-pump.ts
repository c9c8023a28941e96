// Holds one named session for the life of the pump: a client's reply session. Whenever it is lost it is accepted again.
import type { ServiceBusSessionReceiver } from '@azure/service-bus';
import type { Logger, Pump } from '../../contract/ports.ts';
import type { InboundMessage } from '../../contract/wire.ts';
import { RECEIVER_OPTIONS } from '../codec.ts';
import type { PooledClient } from '../connection/connection-pool.ts';
import { isHeldElsewhere, sdkError } from '../connection/sdk-errors.ts';
import { createBackoff, pause } from '../time/waiting.ts';
import { acceptOn } from './accept-loop.ts';
import { LiveSession } from './held-session.ts';
import type { SessionPumpContext } from './session-pump.ts';

export interface NamedSessionOptions {
  readonly entity: string;
  readonly sessionId: string;
  readonly onMessage: (message: InboundMessage) => void;
}

/** More answers to one client seldom come at once. */
const WINDOW = 100;

export class NamedSessionPump implements Pump {
  readonly ready: Promise<void>;
  readonly #options: NamedSessionOptions;
  readonly #context: SessionPumpContext;
  readonly #backoff = createBackoff();
  readonly #running: Promise<void>;
  readonly #stop = new AbortController();
  #session: LiveSession | undefined;

  constructor(options: NamedSessionOptions, context: SessionPumpContext) {
    this.#options = options;
    this.#context = context;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#running = this.#run(ready.resolve);
  }

  get active(): number {
    return this.#session === undefined ? 0 : 1;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#session?.beginClosing();
    // An accept under way ends with its connection.
    if (this.#session === undefined) await this.#context.pool.close();
    await this.#running;
    await this.#context.pool.close();
  }

  async #run(onHeld: () => void): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let link: PooledClient | undefined;
      try {
        link = this.#context.pool.acquire();
        await this.#acceptAndHold(link, onHeld);
      } catch (thrown) {
        if (!signal.aborted) await this.#pause(thrown);
      } finally {
        link?.release();
      }
    }
  }

  async #acceptAndHold(link: PooledClient, onHeld: () => void): Promise<void> {
    const receiver = await acceptOn(link, () =>
      link.client.acceptSession(this.#context.path, this.#options.sessionId, RECEIVER_OPTIONS),
    );
    this.#backoff.reset();
    this.#context.counts.accepted += 1;
    await this.#hold(receiver, link, onHeld);
  }

  async #hold(
    receiver: ServiceBusSessionReceiver,
    { watch }: PooledClient,
    onHeld: () => void,
  ): Promise<void> {
    const { time, clock, counts, logger, lockDurationMs } = this.#context;
    const session = await LiveSession.open(receiver, {
      entity: this.#options.entity,
      lockDurationMs,
      window: WINDOW,
      time,
      clock,
      counts,
      logger,
      watch,
      othersWait: () => false,
      holdQuantumMs: Number.POSITIVE_INFINITY,
    });
    this.#session = session;
    session.begin();
    if (this.#stop.signal.aborted) session.beginClosing();
    else onHeld();
    await this.#receive(session, logger);
    await session.release();
    this.#session = undefined;
  }

  async #receive(session: LiveSession, logger: Logger): Promise<void> {
    for (;;) {
      const taken = await session.take({ max: WINDOW, idleMs: Number.POSITIVE_INFINITY });
      if (taken.kind !== 'messages') return;
      for (const message of taken.messages) {
        try {
          this.#options.onMessage(message);
        } catch (thrown) {
          const { entity, sessionId } = session;
          logger.error('reply handler failed', { entity, sessionId, error: String(thrown) });
        }
      }
      await Promise.all(taken.messages.map((message) => session.settle(message, { kind: 'complete' })));
    }
  }

  async #pause(thrown: unknown): Promise<void> {
    const { entity, sessionId } = this.#options;
    const { code, message: why } = sdkError(thrown);
    const level = isHeldElsewhere(thrown) || this.#backoff.failures > 0 ? 'debug' : 'warn';
    this.#context.logger[level]('accepting a session failed', { entity, sessionId, code, why });
    await pause(this.#backoff.next(), this.#stop.signal);
  }
}
